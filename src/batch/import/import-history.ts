import { AsofError } from '../../base/errors.ts';
import type {
  BulkDoor,
  BulkRows,
  BulkStart,
  BulkTotals,
  UnreadRow,
} from '../../ingest/bulk-door.ts';
import { columnOfCells } from '../../ingest/cell-columns.ts';
import { type DuckDbOptions, DuckDbSession } from '../../ingest/duckdb-session.ts';
import type { History } from '../../ingest/history.ts';
import type { SourcePlan } from '../../plan/plan.ts';
import { historyChunks } from './history-chunks.ts';
import type { ImportInput } from './import-rows.ts';
import { type ImportOptions, importSource } from './import-source.ts';
import { type LeftRows, leaveOut, refusedByTime } from './left-rows.ts';
import { chunksOf, type StagedHistory, stageHistory } from './staged-history.ts';

/** Rows of one chunk of dead letters. */
const UNREAD_AT_ONCE = 1_000;
/** Times that a run goes on after the door had forgotten what it has seen. */
const STARTS = 1_000;

export interface ImportRequest {
  readonly door: BulkDoor;
  readonly source: SourcePlan;
  readonly input: ImportInput;
  readonly options: ImportOptions;
  /** All that the log and the archive hold, when it is called. */
  readonly openHistory: () => Promise<History>;
  readonly duckdb: DuckDbOptions;
  /** Counts what would be done, and does nothing. */
  readonly dryRun: boolean;
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: { readonly phase: string; readonly share: number | null }) => void;
}

/** Every row that was read is in one of the counts. */
export interface ImportReport {
  readonly source: string;
  readonly run: string;
  readonly read: number;
  readonly accepted: number;
  readonly duplicates: number;
  /** Dead letters, but for duplicates. */
  readonly rejected: number;
  readonly rejections: Readonly<Record<string, number>>;
  /** Rows from the cut on, which were left out. */
  readonly beyondCut: number;
  readonly cutMs: number | null;
  /** Upstream columns that the source does not have. */
  readonly ignored: readonly string[];
  /** The same import was done before, and nothing was taken now. */
  readonly again: boolean;
}

/**
 * Imports past events of a stream, each once, with arrivals of their own (semantics §1). Whatever
 * ends it, the same call goes on where it stopped.
 * @throws AsofError by what is wrong with input or options; `rows_lost` if the counts do not add up
 */
export async function importHistory(request: ImportRequest): Promise<ImportReport> {
  const session = await DuckDbSession.open(request.duckdb);
  try {
    return await new HistoryImport(request, session).run();
  } finally {
    session.close();
  }
}

class HistoryImport {
  readonly #request: ImportRequest;
  readonly #session: DuckDbSession;

  constructor(request: ImportRequest, session: DuckDbSession) {
    this.#request = request;
    this.#session = session;
  }

  async run(): Promise<ImportReport> {
    const { door, source, input, options, dryRun } = this.#request;
    const staged = await stageHistory(
      this.#session,
      input,
      importSource(source, options),
      (phase) => this.#say(phase, null),
    );
    for (let attempt = 1; ; attempt++) {
      this.#request.signal?.throwIfAborted();
      const start = await door.start(source.name, staged.run);
      if (start.finished) return this.#report(staged, start.totals, start.cutMs ?? null, true);
      const left = await this.#leaveOut(start);
      if (dryRun) return await this.#foreseen(staged, left, start.nowMs);
      try {
        await this.#send(staged, start, left);
        const { totals } = await door.start(source.name, staged.run);
        requireAll(staged, totals);
        await door.finish(source.name, staged.run);
        return this.#report(staged, totals, left.cutMs, false);
      } catch (error) {
        const isForgotten = error instanceof AsofError && error.code === 'session_ended';
        if (!isForgotten || attempt >= STARTS) throw error;
      }
    }
  }

  async #leaveOut(start: BulkStart): Promise<LeftRows> {
    const { source, options, openHistory } = this.#request;
    this.#say('what is there already', null);
    // Only now: what comes live after the start is the door's to know.
    const history = await openHistory();
    const events = await history.attach(this.#session.connection, source);
    return leaveOut(this.#session, source, options, start, events);
  }

  async #send(staged: StagedHistory, start: BulkStart, left: LeftRows): Promise<void> {
    const { source } = this.#request;
    const { session } = start;
    const { cutMs, liveFromMs, byChunk } = left;
    const last = chunksOf(staged.good);
    const give = async (chunk: number, rows: BulkRows): Promise<void> => {
      this.#request.signal?.throwIfAborted();
      const known = { session, left: byChunk.get(chunk) ?? {}, cutMs, liveFromMs };
      const { door } = this.#request;
      await door.take({ source: source.name, run: staged.run, chunk, rows, import: known });
      this.#say('rows', Math.min(1, chunk / Math.max(1, last)));
    };
    for await (const { chunk, rows } of historyChunks(
      this.#session,
      source,
      staged.good,
      start.taken,
    )) {
      await give(chunk, rows);
    }
    let chunk = last;
    for await (const unread of inParts(staged.unread())) {
      chunk += 1;
      if (chunk > start.taken) await give(chunk, { ...noRows(source), unread });
    }
    // An import of nothing but rows that are left out has been heard of, too.
    if (chunk === 0) await give(1, noRows(source));
  }

  #report(
    staged: StagedHistory,
    totals: BulkTotals,
    cutMs: number | null,
    again: boolean,
  ): ImportReport {
    const { duplicate = 0, ...rejections } = totals.rejected;
    return {
      source: this.#request.source.name,
      run: staged.run,
      read: staged.read,
      accepted: totals.accepted,
      duplicates: duplicate + (totals.left.duplicate ?? 0),
      rejected: Object.values(rejections).reduce((sum, count) => sum + count, 0),
      rejections,
      beyondCut: totals.left.beyond_cut ?? 0,
      cutMs,
      ignored: staged.ignored,
      again,
    };
  }

  /** Of changes, what the door refuses is not known before it has been asked. */
  async #foreseen(
    staged: StagedHistory,
    { byChunk, cutMs }: LeftRows,
    nowMs: number,
  ): Promise<ImportReport> {
    const { source } = this.#request;
    const left: Record<string, number> = {};
    for (const counts of byChunk.values()) {
      for (const [why, count] of Object.entries(counts)) left[why] = (left[why] ?? 0) + count;
    }
    const known = (left.duplicate ?? 0) + (left.beyond_cut ?? 0);
    const rejected: Record<string, number> = source.changes
      ? {}
      : await refusedByTime(this.#session, source, nowMs);
    const late = Object.values(rejected).reduce((sum, count) => sum + count, 0);
    for await (const { code } of staged.unread()) rejected[code] = (rejected[code] ?? 0) + 1;
    const accepted = staged.good - known - late;
    const totals = { read: staged.read, accepted, rejected, left };
    return this.#report(staged, totals, cutMs, false);
  }

  #say(phase: string, share: number | null): void {
    this.#request.onProgress?.({ phase, share });
  }
}

function requireAll({ read }: StagedHistory, totals: BulkTotals): void {
  const counted = [totals.rejected, totals.left].flatMap((counts) => Object.values(counts));
  const sum = counted.reduce((all, count) => all + count, totals.accepted);
  if (sum === read && totals.read === read) return;
  throw new AsofError(
    'rows_lost',
    `${read} rows were read; the door counts ${totals.read}, and ${sum} of them by what they became.`,
  );
}

function noRows({ columns }: SourcePlan): BulkRows {
  return {
    count: 0,
    columns: columns.map(({ type }) => columnOfCells(type, [])),
    arrivalTimeMs: new Float64Array(0),
    retracts: null,
  };
}

async function* inParts(rows: AsyncIterable<UnreadRow>): AsyncGenerator<UnreadRow[], void, void> {
  let part: UnreadRow[] = [];
  for await (const row of rows) {
    part.push(row);
    if (part.length < UNREAD_AT_ONCE) continue;
    yield part;
    part = [];
  }
  if (part.length > 0) yield part;
}
