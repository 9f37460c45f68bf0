import type { EventBatch } from '../schema/batch.ts';
import type { SourceSchema } from '../schema/types.ts';
import type { RowPosition } from './archive-manifest.ts';
import { relationColumns, relationOf, sqlName } from './archive-relation.ts';
import type { DuckDbSession } from './duckdb-session.ts';
import { EventLoader } from './event-loader.ts';

export const DAY_MS = 86_400_000;

/** What one arrival date of a stage holds. */
export interface DayContent {
  readonly dayStartMs: number;
  readonly first: RowPosition;
  last: RowPosition;
  rows: number;
  minEventTimeMs: number;
  maxEventTimeMs: number;
  minArrivalTimeMs: number;
  maxArrivalTimeMs: number;
}

/** Rows of one source on their way to files: a DuckDB table in the order of the log. */
export class ArchiveStage {
  readonly schema: SourceSchema;
  readonly table: string;
  readonly #session: DuckDbSession;
  readonly #loader: EventLoader;
  readonly #days = new Map<number, DayContent>();

  private constructor(
    schema: SourceSchema,
    table: string,
    session: DuckDbSession,
    loader: EventLoader,
  ) {
    this.schema = schema;
    this.table = table;
    this.#session = session;
    this.#loader = loader;
  }

  static async open(
    session: DuckDbSession,
    schema: SourceSchema,
    table: string,
  ): Promise<ArchiveStage> {
    const relation = relationOf(schema);
    await session.run(`CREATE TABLE ${sqlName(table)} (${relationColumns(relation)})`);
    const loader = await EventLoader.open(session.connection, table, relation);
    return new ArchiveStage(schema, table, session, loader);
  }

  append(batch: EventBatch): void {
    this.#loader.append(batch);
    const { arrivalTimeMs, eventTimeMs } = batch;
    let day: DayContent | null = null;
    for (let i = 0; i < batch.count; i += 1) {
      const arrivalMs = arrivalTimeMs[i] as number;
      const eventMs = eventTimeMs[i] as number;
      const position = batch.firstOffset + i;
      if (day === null || arrivalMs < day.dayStartMs || arrivalMs >= day.dayStartMs + DAY_MS) {
        if (day !== null) day.last = { commit: batch.commit, offset: position - 1 };
        day = this.#dayOf(arrivalMs, { commit: batch.commit, offset: position });
      }
      day.rows += 1;
      if (eventMs < day.minEventTimeMs) day.minEventTimeMs = eventMs;
      if (eventMs > day.maxEventTimeMs) day.maxEventTimeMs = eventMs;
      if (arrivalMs < day.minArrivalTimeMs) day.minArrivalTimeMs = arrivalMs;
      if (arrivalMs > day.maxArrivalTimeMs) day.maxArrivalTimeMs = arrivalMs;
    }
    if (day !== null) {
      day.last = { commit: batch.commit, offset: batch.firstOffset + batch.count - 1 };
    }
  }

  #dayOf(arrivalMs: number, first: RowPosition): DayContent {
    const dayStartMs = Math.floor(arrivalMs / DAY_MS) * DAY_MS;
    const known = this.#days.get(dayStartMs);
    if (known !== undefined) return known;
    const day: DayContent = {
      dayStartMs,
      first,
      last: first,
      rows: 0,
      minEventTimeMs: Number.POSITIVE_INFINITY,
      maxEventTimeMs: Number.NEGATIVE_INFINITY,
      minArrivalTimeMs: Number.POSITIVE_INFINITY,
      maxArrivalTimeMs: Number.NEGATIVE_INFINITY,
    };
    this.#days.set(dayStartMs, day);
    return day;
  }

  /** Makes all rows visible to queries; the stage takes no more. */
  finish(): readonly DayContent[] {
    this.#loader.close();
    return [...this.#days.values()].sort((a, b) => a.dayStartMs - b.dayStartMs);
  }

  /** The rows of one day, in the order of the log. */
  select({ dayStartMs, rows }: DayContent): string {
    const isAll = this.#days.size === 1 && rows > 0;
    const dayEndMs = dayStartMs + DAY_MS;
    const where = `WHERE __arrival_time >= ${dayStartMs} AND __arrival_time < ${dayEndMs}`;
    return `SELECT * FROM ${sqlName(this.table)}${isAll ? '' : ` ${where}`}`;
  }

  /** Ends the stage, finished or not. */
  async drop(): Promise<void> {
    this.#loader.abandon();
    await this.#session.run(`DROP TABLE ${sqlName(this.table)}`);
  }
}
