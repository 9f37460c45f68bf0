import type { Clock } from '../base/clock.ts';
import { AsofError } from '../base/errors.ts';
import { LIMITS } from '../base/limits.ts';
import type { EventBatch } from '../schema/batch.ts';
import type { SourceSchema } from '../schema/types.ts';
import type { Judgement } from './acceptance.ts';
import { type BulkBody, readBulk } from './bulk-body.ts';
import type { BulkResult, BulkStart, IncomingChunk } from './bulk-door.ts';
import { BulkJudge } from './bulk-judge.ts';
import {
  importingSources,
  liveFrom,
  NEW_RUN,
  NO_TOTALS,
  nextState,
  otherSpans,
  type RunState,
  runConnector,
  runName,
  runOf,
  runsOf,
  runText,
  spanOf,
} from './bulk-note.ts';
import type { BulkSessions } from './bulk-sessions.ts';
import type { DeadLetters } from './dead-letters.ts';
import { emptyCommit } from './empty-commit.ts';
import type { Letter } from './letter-line.ts';
import type { LiveMark } from './live-mark.ts';
import type { EventLog } from './log.ts';
import type { Door, Refusal } from './push.ts';
import type { Shield } from './shield.ts';
import { fullDoor, settleLane } from './sourced-push.ts';

interface IntakeContext {
  readonly log: EventLog;
  readonly letters: DeadLetters;
  readonly clock: Clock;
  readonly doorOf: (source: string) => Door;
  readonly refusalOf: (source: string) => Refusal | null;
  readonly live: LiveMark;
  readonly sessions: BulkSessions;
}

const NOTHING_RECENT: ReadonlySet<string> = new Set();

/**
 * Takes the chunks of imports and tables exactly once. Accepted rows, how far the run has come, its
 * counts and the rows that were refused are one append to the log, there as a whole or not at all.
 */
export class BulkIntake {
  readonly #context: IntakeContext;
  readonly #sessions: BulkSessions;
  /** By source: chunks are taken one after the other. */
  readonly #turns = new Map<string, Promise<unknown>>();

  constructor(context: IntakeContext) {
    this.#context = context;
    this.#sessions = context.sessions;
  }

  /** Every durable batch, in commit order. */
  observe(batch: EventBatch, { columns, id }: SourceSchema): void {
    const idAt = id === null ? -1 : columns.findIndex(({ name }) => name === id);
    this.#sessions.observe(batch, idAt);
  }

  /** Writes the refused rows that a crash kept from the dead letters. */
  async settle(): Promise<void> {
    const { log } = this.#context;
    for (const { source, run } of [...runsOf(log.notes)]) {
      await this.#inTurn(source, () => settleLane(this.#context, source, runName(source, run)));
    }
  }

  /** @throws AsofError `unknown_source` */
  taken(source: string, run: string): number {
    this.#context.doorOf(source);
    return runOf(this.#context.log.notes, source, run)?.taken ?? 0;
  }

  /** @throws AsofError `unknown_source`, `run_conflict`, `bad_request` for a table */
  start(source: string, run: string): BulkStart {
    const { log, clock, doorOf } = this.#context;
    const { schema } = doorOf(source).acceptance;
    if ((schema.table ?? null) !== null) {
      throw new AsofError('bad_request', `'${source}' is a table; its rows are materialized.`);
    }
    const state = runOf(log.notes, source, run);
    // What is finished takes nothing, so it must not keep others away.
    const session = state?.finished === true ? null : this.#sessions.begin(source, run);
    return {
      taken: state?.taken ?? 0,
      finished: state?.finished ?? false,
      totals: state?.totals ?? NO_TOTALS,
      cutMs: state === null || state.taken === 0 ? undefined : state.cutMs,
      session: session?.name ?? '',
      liveFromMs: liveFrom(log.notes, source),
      otherSpansMs: otherSpans(log.notes, source, run),
      nowMs: clock.nowMs(),
    };
  }

  /** Whether the log does not know yet that a run into the source is under way. */
  isNew(source: string, run: string): boolean {
    return runOf(this.#context.log.notes, source, run) === null;
  }

  isImporting(source: string): boolean {
    return importingSources(this.#context.log.notes).has(source);
  }

  /**
   * Notes that a run into a stream begins, before its first rows: from then on the engine keeps
   * what it would let go of, and the first live event is known.
   */
  open({ source, run, import: given }: Pick<IncomingChunk, 'source' | 'run' | 'import'>) {
    return this.#inTurn(source, async (): Promise<void> => {
      const { log, live, doorOf } = this.#context;
      if (!this.isNew(source, run)) return;
      this.#sessions.require(source, run, given?.session ?? '');
      const { schema } = doorOf(source).acceptance;
      await live.begin(schema, given?.liveFromMs ?? null);
      const text = runText(NEW_RUN, 0, []);
      await log.append([emptyCommit(schema)], { name: runName(source, run), text });
    });
  }

  /**
   * @throws AsofError `overloaded`, `state_full`, `disk_full`, `disk_failed`: try the chunk again;
   * `run_conflict`, `session_ended`, `bad_request`, `malformed_columns`, `schema_mismatch`
   */
  take(chunk: IncomingChunk): Promise<BulkResult> {
    return this.#inTurn(chunk.source, () => this.#take(chunk));
  }

  async #take(incoming: IncomingChunk): Promise<BulkResult> {
    const { source, run } = incoming;
    const { log, doorOf, refusalOf, clock } = this.#context;
    const door = doorOf(source);
    const state = runOf(log.notes, source, run) ?? NEW_RUN;
    if (incoming.chunk <= state.taken) return this.#again(incoming, state);
    requireNext(incoming, state);
    const recent = this.#recentFor(incoming, door);
    const { schema, lines, shield } = door.acceptance;
    const body = readBulk(incoming.body, schema, lines, shield);
    while (!log.hasRoom) await log.room();
    const refusal = refusalOf(source)?.() ?? null;
    if (refusal !== null) throw refusal;
    // From here to the append nothing waits: verdicts and offsets are given in one order.
    const nowMs = clock.nowMs();
    const { ids } = door.acceptance;
    const pending = ids.pending();
    try {
      const judgement = new BulkJudge(door.acceptance, body, nowMs).judge(recent);
      const full = fullDoor(judgement);
      if (full !== null) throw full.error;
      return await this.#append(incoming, state, door, { body, judgement, nowMs, pending });
    } catch (error) {
      // What was appended is the log's to take back.
      if (!(error instanceof AppendError)) ids.rollback(pending);
      throw error instanceof AppendError ? error.cause : error;
    }
  }

  async #append(
    incoming: IncomingChunk,
    state: RunState,
    door: Door,
    judged: Judged,
  ): Promise<BulkResult> {
    const { log, letters } = this.#context;
    const { source, run, chunk } = incoming;
    const { judgement, body } = judged;
    const refused = lettersOf(incoming, judged, door.acceptance.shield);
    const next = nextState(
      state,
      incoming,
      { ...body, span: spanOf(judgement.entries) },
      judgement,
    );
    const name = runName(source, run);
    const text = runText(next, chunk, refused);
    const before = log.aheadCommit;
    const { entries } = judgement;
    const durable = log.append(
      entries.length > 0 ? entries : [emptyCommit(door.acceptance.schema)],
      {
        name,
        text,
      },
    );
    if (log.aheadCommit === before) door.acceptance.ids.rollback(judged.pending);
    const batches = await durable.catch((cause: unknown) => {
      throw new AppendError('the append failed', { cause });
    });
    door.stats.receive(body.chunk.count);
    door.stats.change(judgement.changes);
    const isShielded = door.acceptance.shield !== null;
    door.stats.look(body.chunk, judgement.rejected, judged.nowMs, isShielded);
    for (const { code } of refused) door.stats.reject(code, 1);
    if (refused.length > 0) {
      await letters.append(source, refused).catch((cause: unknown) => {
        throw new AppendError('the letters failed', { cause });
      });
      log.notes.shorten(name, text, runText(next, chunk, []));
    }
    const commit = batches.at(-1)?.commit ?? log.lastCommit;
    return { fresh: true, ...next.last, commit };
  }

  async #again({ source, run, chunk }: IncomingChunk, state: RunState): Promise<BulkResult> {
    const { log } = this.#context;
    await settleLane(this.#context, source, runName(source, run));
    const counts = chunk === state.taken ? state.last : { accepted: 0, rejected: {} };
    return { fresh: false, ...counts, commit: log.lastCommit };
  }

  #recentFor(incoming: IncomingChunk, { acceptance }: Door): ReadonlySet<string> {
    const { source, run } = incoming;
    const isTable = (acceptance.schema.table ?? null) !== null;
    if (isTable !== (incoming.import === undefined)) {
      const what = isTable ? 'a table, which nothing is imported into' : 'a stream';
      throw new AsofError('bad_request', `'${source}' is ${what}.`);
    }
    if (incoming.import === undefined) return NOTHING_RECENT;
    return this.#sessions.require(source, run, incoming.import.session).recent ?? NOTHING_RECENT;
  }

  /** A stream's run stays known for ever, that of a table is forgotten. */
  finish(source: string, run: string): Promise<void> {
    return this.#inTurn(source, async () => {
      const { log, doorOf } = this.#context;
      const { schema } = doorOf(source).acceptance;
      const state = runOf(log.notes, source, run);
      this.#sessions.end(source, run);
      if (state === null || state.finished) return;
      const name = runName(source, run);
      await settleLane(this.#context, source, name);
      const isTable = (schema.table ?? null) !== null;
      const text = isTable ? '' : runText({ ...state, finished: true }, state.taken, []);
      await log.append([emptyCommit(schema)], { name, text });
    });
  }

  #inTurn<T>(source: string, work: () => Promise<T>): Promise<T> {
    const result = (this.#turns.get(source) ?? Promise.resolve()).then(work);
    this.#turns.set(
      source,
      result.catch(() => {}),
    );
    return result;
  }
}

interface Judged {
  readonly body: BulkBody;
  readonly judgement: Judgement;
  readonly nowMs: number;
  readonly pending: readonly number[];
}

/** What happened after the rows were given to the log. */
class AppendError extends Error {}

function requireNext({ source, run, chunk, body }: IncomingChunk, state: RunState): void {
  if (state.finished || chunk !== state.taken + 1) {
    const at = state.finished ? 'it is finished' : `chunk ${state.taken + 1} is next`;
    throw new AsofError('run_conflict', `The run ${run} cannot take chunk ${chunk}: ${at}.`, {
      path: source,
    });
  }
  if (body.length > LIMITS.bodyBytes) {
    throw new AsofError('body_too_large', `The chunk has ${body.length} bytes.`);
  }
}

function lettersOf(
  { run, chunk }: IncomingChunk,
  { body, judgement, nowMs }: Judged,
  shield: Shield | null,
): Letter[] {
  const unread = body.unread.map(({ place, ...row }) => ({
    ...(shield === null ? row : shield.letter(row)),
    arrivalTimeMs: nowMs,
    origin: { connector: runConnector(run), batch: chunk, place },
  }));
  const judged = judgement.rejected.map(({ slot, problem }) => ({
    arrivalTimeMs: nowMs,
    code: problem.problem.code,
    column: problem.column,
    message: problem.problem.message,
    raw: body.chunk.rawOf(slot),
    origin: { connector: runConnector(run), batch: chunk, place: String(slot) },
  }));
  return [...unread, ...judged];
}
