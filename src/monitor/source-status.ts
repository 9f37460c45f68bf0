/** One source, as the platform says it. */
export interface SourceStatus {
  readonly name: string;
  /** Since the start, at the door. */
  readonly accepted: number;
  readonly rejected: number;
  readonly rejectedByCode: Readonly<Record<string, number>>;
  /** Applied to the state, over all time. */
  readonly applied: number;
  readonly newestArrivalMs: number | null;
  readonly newestEventMs: number | null;
  /** Newest arrival less newest event time: how far behind events come in. */
  readonly latenessMs: number | null;
  /** By partition; -1 where nothing has been applied. */
  readonly lastOffsets: readonly number[];
  readonly deadLetters: number;
  /** Columns that rows have in another way than is declared, since the door was opened. */
  readonly drifting: number;
  /** null while nothing can be pushed. */
  readonly clocks: SourceClockStatus | null;
  /** What accepted rows of a change stream did since the start; null for all others. */
  readonly changes: ChangeStatus | null;
  /** null where the source's events have no id, or nothing can be pushed. */
  readonly ids: IdStatus | null;
  /** By key columns; none while nothing is applied. */
  readonly hotKeys: readonly HotKeyStatus[];
}

/** How the events of a source, those seen lately, fall on the keys of some of its columns. */
export interface HotKeyStatus {
  readonly keyColumns: readonly string[];
  /** Keys whose events are spread over several rows now, and changes of that since the start. */
  readonly split: number;
  readonly splits: number;
  readonly merges: number;
  /** The greatest share first; those of little share are left out. */
  readonly hottest: readonly {
    readonly key: string;
    readonly shareAtLeast: number;
    readonly shareAtMost: number;
    readonly split: boolean;
  }[];
}

export interface ChangeStatus {
  readonly inserted: number;
  readonly updated: number;
  readonly deleted: number;
}

/** What the door remembers of a source, to know what repeats or changes an earlier event. */
export interface IdStatus {
  /** Ids held, in all partitions; of a change stream those of rows that newer ones replaced too. */
  readonly count: number;
  /** Memory for them; of a change stream with the columns of events that can be taken back. */
  readonly bytes: number;
  readonly bytesPerId: number;
  /** For so long after its arrival an event can be repeated, or changed, and be known. */
  readonly horizonMs: number;
}

/** How late events come and how far clocks run ahead, since ever; spans in milliseconds. */
export interface SourceClockStatus {
  readonly allowedLatenessMs: number;
  readonly maxClockSkewMs: number;
  /** The least of the partitions that are not idle. */
  readonly watermarkMs: number | null;
  readonly partitions: readonly {
    readonly watermarkMs: number | null;
    readonly newestArrivalMs: number | null;
    readonly idle: boolean;
  }[];
  readonly lateness: {
    readonly events: number;
    readonly p50Ms: number | null;
    readonly p90Ms: number | null;
    readonly p99Ms: number | null;
    readonly p999Ms: number | null;
    readonly maxMs: number;
  };
  readonly skew: {
    readonly events: number;
    readonly ahead: number;
    readonly p99Ms: number | null;
    readonly maxMs: number;
  };
}
