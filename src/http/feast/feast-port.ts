/** What Feast's protocol needs to know of the definitions in use, beside what serving tells. */
export interface FeastPort {
  /** The join key of an entity that has one alone; else null. */
  joinKeyOf(entity: string): string | null;
  /** Where rows of a view come from. @param version null: the newest one */
  viewTarget(view: string, version: number | null): WriteTarget | null;
  sourceTarget(source: string): WriteTarget | null;
  readonly views: Iterable<string>;
}

/** A stream as somebody sees it who writes by the names of a view. */
export interface WriteTarget {
  readonly source: string;
  /** Of a column that is sent, the column of the source, as its producers name it. */
  readonly columnOf: ReadonlyMap<string, string>;
  readonly eventTime: string;
  readonly arrivalTime: string | null;
  /** Whether an event that comes again is known by its id. */
  readonly hasId: boolean;
  /** A text that names each event; null where there is none, or it is no text. */
  readonly textId: string | null;
  /** Columns of the source that hold times. */
  readonly times: ReadonlySet<string>;
}
