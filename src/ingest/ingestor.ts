import type { Clock } from '../base/clock.ts';
import type { Disk } from '../base/disk.ts';
import { AsofError } from '../base/errors.ts';
import { LIMITS } from '../base/limits.ts';
import { type Logger, silentLogger } from '../base/logger.ts';
import { nextTurn, type Turn } from '../base/pause.ts';
import type { EventBatch } from '../schema/batch.ts';
import { BulkIntake } from './bulk-intake.ts';
import { BulkSessions } from './bulk-sessions.ts';
import { ClockBook } from './clock-book.ts';
import { readColumns } from './columns-body.ts';
import { DeadLetters } from './dead-letters.ts';
import { type DoorLimits, doorLimits } from './door-limits.ts';
import { FormerIds } from './former-ids.ts';
import { type IdBlock, readIds, writeIds } from './id-snapshot.ts';
import type { SourceStats } from './ingest-stats.ts';
import { type IngestorOptions, newDoor } from './ingestor-options.ts';
import { type LanePosition, lanesOf } from './lane-note.ts';
import type { LetterFilter } from './letter-filter.ts';
import { type ReadmitResult, readmitLetters } from './letter-readmission.ts';
import { LiveMark } from './live-mark.ts';
import type { EventLog } from './log.ts';
import { type Door, Push, type PushResult, type Refusal } from './push.ts';
import { ColumnsBody, type PushBody, type RowSlice, readBody } from './push-body.ts';
import { requireVersion } from './row-translator.ts';
import { SchemaBook } from './schema-book.ts';
import type { GivenIds, Shield } from './shield.ts';
import type { LatenessReport, SourceClocks } from './source-clocks.ts';
import type { DriftReport } from './source-drift.ts';
import type { MemorySize } from './source-memory.ts';
import { pushSourced, type SourcedBatch, type SourcedResult, settleLanes } from './sourced-push.ts';

/** The door: judges events (semantics §1), logs those it accepts and keeps those it does not. */
export class Ingestor {
  readonly letters: DeadLetters;
  /** Called for every durable batch in commit order, before its push resolves. */
  onCommitted: (batch: EventBatch) => void = () => {};
  /** Where it gives something for a source, pushes to it come in small commits, asked for one by one. */
  refusalOf: (source: string) => Refusal | null = () => null;

  readonly #disk: Disk;
  readonly #log: EventLog;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #turn: Turn;
  readonly #limits: DoorLimits;
  readonly #doors = new Map<string, Door>();
  readonly #clocks: ClockBook;
  readonly #live: LiveMark;
  /** Imports of history, and tables. */
  readonly bulk: BulkIntake;
  #idsCommit = 0;
  #readmits: Promise<unknown> = Promise.resolve();
  #formerIds: FormerIds;

  /**
   * Learns the ids of the past: those of the last checkpoint, and the log after it.
   * @throws AsofError `corrupt_log` if events of the log are gone whose ids nobody wrote down
   */
  static open(options: IngestorOptions): Ingestor {
    const ingestor = new Ingestor(options);
    ingestor.#restoreIds();
    return ingestor;
  }

  private constructor(options: IngestorOptions) {
    const { disk, log, clock, limits } = options;
    this.#disk = disk;
    this.#log = log;
    this.#clock = clock;
    this.#logger = options.logger ?? silentLogger;
    this.#turn = options.turn ?? nextTurn;
    this.#clocks = new ClockBook(disk, clock, this.#logger, () => this.#eachClocks());
    this.letters = options.letters ?? new DeadLetters(disk);
    this.#limits = doorLimits(limits);
    this.#formerIds = new FormerIds([], [], this.#limits);
    const doorOf = (source: string): Door => this.#door(source);
    const sessions = options.sessions ?? new BulkSessions(clock);
    this.#live = new LiveMark(log, (source) => doorOf(source).acceptance.schema, sessions);
    for (const schema of options.sources)
      this.#doors.set(schema.name, newDoor(schema, this.#limits, options));
    const refusalOf = (source: string): Refusal | null => this.refusalOf(source);
    const parts = { log, letters: this.letters, clock, live: this.#live, sessions };
    this.bulk = new BulkIntake({ ...parts, doorOf, refusalOf });
  }

  *#eachClocks(): Generator<[string, SourceClocks]> {
    for (const [source, { stats }] of this.#doors) yield [source, stats.clocks];
  }

  #restoreIds(): void {
    const { commit, blocks } = readIds(this.#disk);
    if (commit + 1 < this.#log.firstCommit) {
      throw new AsofError(
        'corrupt_log',
        `The ids of commits ${commit + 1} to ${this.#log.firstCommit - 1} are gone.`,
        { path: 'log/ids.bin', remedy: 'Restore log/ids.bin from a copy.' },
      );
    }
    this.#idsCommit = commit;
    const known = [...this.#doors.values()].map(({ acceptance }) => acceptance.ids);
    for (const ids of known) ids.adopt(blocks.filter((block) => ids.owns(block)));
    this.#formerIds = new FormerIds(
      blocks.filter((block) => !known.some((ids) => ids.owns(block))),
      new SchemaBook(this.#disk).all(),
      this.#limits,
    );
    const schemaOf = (source: string) =>
      this.#doors.get(source)?.acceptance.schema ?? this.#formerIds.schemaOf(source);
    this.#clocks.read();
    for (const batch of this.#log.read(commit, schemaOf)) {
      this.#clocks.restore(batch, this.#doors.get(batch.source)?.stats.clocks);
      const ids = this.#doors.get(batch.source)?.acceptance.ids ?? this.#formerIds;
      ids.restore(batch);
    }
    // Only now: where something before fails, the log still has the door before.
    this.#log.onDurable = (batch) => this.#committed(batch);
    this.#log.onFailure = () => {
      for (const { acceptance } of this.#doors.values()) acceptance.ids.rollback();
    };
    this.#log.cutLimit = () => this.#idsCommit;
  }

  /**
   * Judges rows in their order and resolves once the accepted ones are durable in the log and the
   * others in the dead-letter log.
   * @throws AsofError `unknown_source`, `too_many_rows`, `malformed_columns`, `disk_full`,
   * `disk_failed`, `unknown_schema`: then no row was taken
   * @param pinned the schema version that all rows are of; null: each of any
   */
  async push(source: string, body: PushBody, pinned: number | null = null): Promise<PushResult> {
    const { schema } = this.#streamDoor(source).acceptance;
    if (pinned !== null) requireVersion(schema, pinned);
    const slices =
      body instanceof ColumnsBody
        ? readColumns(body, schema, this.#sliceRows(source), pinned)
        : readBody(body, this.#sliceRows(source));
    return this.#push(source, slices, true, pinned);
  }

  /** Takes a connector's batch exactly once. @throws AsofError as `pushSourced` */
  take(source: string, batch: SourcedBatch): Promise<SourcedResult> {
    const context = { log: this.#log, letters: this.letters, clock: this.#clock, live: this.#live };
    return pushSourced(context, this.#streamDoor(source), batch);
  }

  /** Finishes what a crash left of a connector's last batches, and says how far it has read. */
  async lanes(source: string, connector: string): Promise<ReadonlyMap<string, LanePosition>> {
    this.#door(source);
    await settleLanes({ log: this.#log, letters: this.letters }, source, connector);
    return lanesOf(this.#log, source, connector);
  }

  #door(source: string): Door {
    const door = this.#doors.get(source);
    if (door !== undefined) return door;
    throw new AsofError('unknown_source', `No source is named '${source}'.`, {
      remedy: `Known sources: ${[...this.#doors.keys()].join(', ') || 'none'}.`,
    });
  }

  /** @throws AsofError `bad_request` for a table, whose rows come by materialization alone */
  #streamDoor(source: string): Door {
    const door = this.#door(source);
    if (!door.acceptance.schema.table) return door;
    throw new AsofError('bad_request', `'${source}' is a table; nothing is pushed to it.`, {
      remedy: 'Change what it is made from, and run `asof materialize`.',
    });
  }

  #sliceRows(source: string): number {
    return Math.min(LIMITS.rowsPerSlice, this.#commitRows(source));
  }

  #commitRows(source: string): number {
    const { eventsPerCommit } = this.#limits;
    if (this.refusalOf(source) === null) return eventsPerCommit;
    return Math.min(eventsPerCommit, LIMITS.rowsPerGuardedCommit);
  }

  async #push(
    source: string,
    slices: Iterator<RowSlice>,
    keepRejected: boolean,
    pinned: number | null,
    given: GivenIds = 'ids',
  ): Promise<PushResult> {
    const door = this.#streamDoor(source);
    // An update is two rows of the log.
    const rowsOfOne = door.acceptance.schema.changes ? 2 : 1;
    const push = new Push({
      door,
      log: this.#log,
      live: this.#live,
      letters: keepRejected ? this.letters : null,
      clock: this.#clock,
      logger: this.#logger,
      eventsPerCommit: Math.max(1, Math.floor(this.#commitRows(source) / rowsOfOne)),
      refusal: this.refusalOf(source),
      turn: this.#turn,
      ...{ pinned, given },
    });
    return push.run(slices);
  }

  /**
   * Pushes dead letters again, as new events at new offsets. Those that are taken now are marked;
   * a crash in between can leave one unmarked, and then its id keeps it from counting twice.
   */
  readmit(source: string, filter: LetterFilter = {}): Promise<ReadmitResult> {
    // One at a time: a letter of another one under way may be marked by the time its turn comes.
    const again = (slices: Iterator<RowSlice>, given: GivenIds) =>
      this.#push(source, slices, false, null, given);
    const shield = this.#doors.get(source)?.acceptance.shield ?? null;
    const tools = { letters: this.letters, log: this.#log, push: again, shield };
    const result = this.#readmits.then(() =>
      readmitLetters({ ...tools, rows: this.#sliceRows(source) }, source, filter),
    );
    this.#readmits = result.catch(() => {});
    return result;
  }

  /** Writes the ids down, so that the log up to the commit given back can be cut. */
  checkpoint(): number {
    const commit = this.#log.lastCommit;
    // Before the ids: what they let go of the log is counted here.
    this.#clocks.write(commit);
    if (commit > this.#idsCommit) {
      writeIds(this.#disk, commit, this.#idBlocks());
      this.#idsCommit = commit;
    }
    return commit;
  }

  /**
   * As `checkpoint`, where it lets a segment of the log go; else it would be work for nothing, done
   * while events and reads wait.
   */
  checkpointForCut(): void {
    if (this.#log.sealedCommit > this.#idsCommit) this.checkpoint();
  }

  *#idBlocks(): Generator<IdBlock> {
    for (const { acceptance } of this.#doors.values()) yield* acceptance.ids.blocks();
    yield* this.#formerIds.blocks();
  }

  /** What keeps the raw ids of a source; null where it has none. */
  shieldOf(source: string): Shield | null {
    return this.#doors.get(source)?.acceptance.shield ?? null;
  }

  /** The clocks of a source, and what each allowed lateness would lose. */
  lateness(source: string, alsoMs: readonly number[]): LatenessReport | null {
    return this.#doors.get(source)?.stats.clocks.lossReport(alsoMs) ?? null;
  }

  /** How rows of a source differ from what is declared, since the door was opened. */
  drift(source: string): DriftReport | null {
    return this.#doors.get(source)?.stats.drift.report() ?? null;
  }

  stats(source: string): SourceStats | null {
    return this.#doors.get(source)?.stats.snapshot() ?? null;
  }

  /** What is remembered of a source's ids; null where its events have none. */
  memory(source: string): MemorySize | null {
    const acceptance = this.#doors.get(source)?.acceptance;
    return (acceptance?.schema.id ?? null) === null ? null : (acceptance?.ids.size() ?? null);
  }

  /** For an orderly end, after the last push: the next start need not read the log for ids. */
  close(): void {
    this.checkpoint();
    this.letters.close();
  }

  #committed(batch: EventBatch): void {
    const door = this.#doors.get(batch.source);
    door?.acceptance.ids.confirm(batch);
    door?.stats.accept(batch);
    if (door !== undefined) this.bulk.observe(batch, door.acceptance.schema);
    this.#clocks.counted(batch.commit);
    this.onCommitted(batch);
  }
}
