import { present } from '../base/assert.ts';
import { ByteWriter } from '../base/bytes.ts';
import type { Disk } from '../base/disk.ts';
import { AsofError } from '../base/errors.ts';
import { LIMITS } from '../base/limits.ts';
import { type Logger, silentLogger } from '../base/logger.ts';
import type { EventBatch } from '../schema/batch.ts';
import type { SourceSchema } from '../schema/types.ts';
import { advancePast, CommitGroup } from './commit-group.ts';
import type { LogNote, LogNotes } from './log-note.ts';
import type { EventLogOptions, LogLimits } from './log-options.ts';
import { readKeptSegments } from './log-reading.ts';
import { type LogRecovery, type RecoveredLog, recoverLog } from './log-recovery.ts';
import { SchemaBook } from './schema-book.ts';
import { LOG_FOLDER, type PartitionState, type PartitionStates } from './segment.ts';
import type { SchemaOf } from './segment-reader.ts';
import { SegmentWriter } from './segment-writer.ts';

/** A batch before the log gives it its commit and offsets; an `EventBatch` is one too. */
export type LogEntry = Omit<EventBatch, 'commit' | 'firstOffset'>;

/**
 * The truth: accepted events in one dense sequence of commits over all sources and partitions.
 * While one group is synced, the next one gathers.
 */
export class EventLog {
  readonly recovery: LogRecovery;
  /** Those that are durable. */
  readonly notes: LogNotes;
  /** Called for every batch in commit order once it is durable, before its append resolves. */
  onDurable: ((batch: EventBatch) => void) | null = null;
  /** Called when all that is not yet durable has failed, before those appends reject. */
  onFailure: ((error: unknown) => void) | null = null;
  /** Asked before segments are cut: the last commit that nobody needs any more. */
  cutLimit: () => number = () => Number.POSITIVE_INFINITY;

  readonly #disk: Disk;
  readonly #logger: Logger;
  readonly #limits: LogLimits;
  readonly #book: SchemaBook;
  readonly #segments: SegmentWriter;
  #schemas: ReadonlyMap<string, SourceSchema>;
  #durable: PartitionStates;
  /** The partitions as they will stand when all that is pending is durable. */
  #ahead: PartitionStates;
  #lastCommit: number;
  #nextCommit: number;
  #gathering = new CommitGroup(new ByteWriter());
  #flushing: CommitGroup | null = null;
  #roomWaiters: (() => void)[] = [];
  #running: Promise<void> | null = null;
  #closed = false;

  static async open(options: EventLogOptions): Promise<EventLog> {
    const logger = options.logger ?? silentLogger;
    const recovered = await recoverLog(options.disk, options.verify ?? 'all', logger);
    return new EventLog(options, recovered, logger);
  }

  private constructor(options: EventLogOptions, recovered: RecoveredLog, logger: Logger) {
    const { segmentBytes = LIMITS.segmentBytes, pendingBytes = LIMITS.pendingBytes } =
      options.limits ?? {};
    this.#disk = options.disk;
    this.#logger = logger;
    this.#limits = { segmentBytes, pendingBytes };
    this.#book = new SchemaBook(options.disk);
    const { segments, durableLength } = recovered;
    this.#segments = new SegmentWriter(options.disk, logger, segmentBytes, segments, durableLength);
    this.#durable = recovered.partitions;
    this.#ahead = recovered.partitions.copy();
    this.notes = recovered.notes;
    this.#lastCommit = recovered.lastCommit;
    this.#nextCommit = recovered.lastCommit + 1;
    this.recovery = recovered.recovery;
    this.#schemas = new Map();
    this.setSchemas(options.schemas ?? []);
  }

  /** Replaces the known sources; a schema is durable before its first batch, and only then. */
  setSchemas(schemas: readonly SourceSchema[]): void {
    for (const schema of schemas) this.#book.check(schema);
    this.#schemas = new Map(schemas.map((schema) => [schema.name, schema]));
  }

  /** The newest durable commit; 0 before the first. */
  get lastCommit(): number {
    return this.#lastCommit;
  }

  /** The newest commit that was given away, durable or not. */
  get aheadCommit(): number {
    return this.#nextCommit - 1;
  }

  /** The oldest commit that can still be read; `lastCommit + 1` if there is none. */
  get firstCommit(): number {
    return this.#segments.segments[0]?.firstCommit ?? this.#lastCommit + 1;
  }

  /** The newest commit that a cut could remove, as the last segment always stays. */
  get sealedCommit(): number {
    return (this.#segments.segments.at(-1)?.firstCommit ?? 1) - 1;
  }

  get pendingBytes(): number {
    return this.#gathering.writer.length + (this.#flushing?.writer.length ?? 0);
  }

  /** Where a partition stands, all pending batches included. */
  partition(source: string, partition: number): Readonly<PartitionState> {
    return this.#ahead.of(source, partition);
  }

  /** Whether an append would be taken at once; false is backpressure. */
  get hasRoom(): boolean {
    return this.pendingBytes <= this.#limits.pendingBytes;
  }

  /** Resolves when there may be room again; look before you append, others were waiting too. */
  room(): Promise<void> {
    if (this.hasRoom) return Promise.resolve();
    return new Promise<void>((resolve) => this.#roomWaiters.push(resolve));
  }

  /**
   * Gives the batches their commits and offsets and resolves once they are durable. No batches at
   * all: resolves once everything appended so far is. They stand or fall together, whatever
   * happens, and with the note, which needs at least one of them.
   * @throws AsofError `disk_full`, `disk_failed`: then none of them is in the log
   */
  async append(entries: readonly LogEntry[], note: LogNote | null = null): Promise<EventBatch[]> {
    while (!this.hasRoom) await this.room();
    if (this.#closed) throw new AsofError('not_ready', 'The log is closed.');
    const schemas = entries.map((entry) => this.#schemaOf(entry.source));
    const batches = this.#gatherAll(entries, schemas, note);
    // What gathers becomes durable only after what is being flushed, so the newer one is waited for.
    const group = this.#gathering.isEmpty ? this.#flushing : this.#gathering;
    if (group !== null) {
      const durable = group.durable();
      this.#running ??= this.#flush();
      await durable;
    }
    return batches;
  }

  /** Durable batches after a commit, in commit order, unless told otherwise as of today. */
  *read(
    afterCommit: number,
    schemaOf: SchemaOf = (source) => this.#schemas.get(source),
  ): Generator<EventBatch> {
    const disk = this.#disk;
    const { segments } = this.#segments;
    const range = { afterCommit, throughCommit: this.#lastCommit };
    yield* readKeptSegments({ disk, segments, book: this.#book, schemaOf }, range);
  }

  /** Removes the segments that hold nothing after `commit`; the last one always stays. */
  cutThrough(commit: number): void {
    const limit = Math.min(commit, this.cutLimit());
    const segments = this.#segments.segments;
    for (let next = segments[1]; next !== undefined; next = segments[1]) {
      if (next.firstCommit - 1 > limit) break;
      const oldest = present(segments[0], 'an oldest segment');
      this.#disk.remove(oldest.path);
      segments.shift();
      // One by one: a disk may keep the removal of a segment and lose that of an older one.
      this.#disk.syncFolder(LOG_FOLDER);
    }
  }

  /**
   * Begins a segment that holds nothing but where things stand, with other texts of the notes: a cut
   * through the commit given back leaves no event in the log. Nothing may be appended meanwhile.
   */
  async seal(noteText: (note: LogNote) => string): Promise<number> {
    while (this.#running !== null) await this.#running;
    this.notes.rewrite(noteText);
    const [firstCommit, partitions] = [this.#lastCommit + 1, this.#durable.all()];
    await this.#segments.roll({ firstCommit, partitions, notes: this.notes.list() });
    return this.#lastCommit;
  }

  /** Waits until all that was appended is durable, then lets go of the files. */
  async close(): Promise<void> {
    this.#closed = true;
    while (this.#running !== null) await this.#running;
    this.#segments.close();
  }

  #schemaOf(source: string): SourceSchema {
    const schema = this.#schemas.get(source);
    if (schema === undefined) {
      throw new AsofError('unknown_source', `No source is named '${source}'.`);
    }
    this.#book.add(schema);
    return schema;
  }

  /** All or none: an entry that cannot be encoded takes those before it back. */
  #gatherAll(
    entries: readonly LogEntry[],
    schemas: readonly SourceSchema[],
    note: LogNote | null,
  ): EventBatch[] {
    const group = this.#gathering;
    const before = group.batches.length;
    const states = entries.map(({ source, partition }) => ({
      ...this.#ahead.of(source, partition),
    }));
    try {
      return entries.map((entry, i) => {
        const continues = i + 1 < entries.length;
        const schema = present(schemas[i], `schema of ${entry.source}`);
        return this.#gather(entry, schema, continues ? null : note, continues);
      });
    } catch (error) {
      this.#nextCommit -= group.batches.length - before;
      group.keep(before);
      for (const state of states)
        Object.assign(this.#ahead.of(state.source, state.partition), state);
      throw error;
    }
  }

  #gather(
    entry: LogEntry,
    schema: SourceSchema,
    note: LogNote | null,
    continues: boolean,
  ): EventBatch {
    const state = this.#ahead.of(entry.source, entry.partition);
    const batch = { ...entry, commit: this.#nextCommit, firstOffset: state.nextOffset };
    this.#gathering.add(batch, schema, note, continues);
    this.#nextCommit += 1;
    advancePast(state, batch);
    return batch;
  }

  async #flush(): Promise<void> {
    let spare = new ByteWriter();
    while (!this.#gathering.isEmpty) {
      const group = this.#gathering;
      this.#flushing = group;
      this.#gathering = new CommitGroup(spare);
      spare = group.writer;
      try {
        const first = this.#lastCommit + 1;
        const notes = this.notes.list();
        await this.#segments.write(first, this.#durable.all(), notes, group.seal());
      } catch (error) {
        this.#fail(group, error);
        continue;
      }
      this.#settle(group);
    }
    this.#running = null;
  }

  #settle(group: CommitGroup): void {
    this.#flushing = null;
    for (const note of group.notes()) this.notes.keep(note);
    let failure: unknown = null;
    for (const batch of group.batches) {
      this.#lastCommit = batch.commit;
      advancePast(this.#durable.of(batch.source, batch.partition), batch);
      try {
        this.onDurable?.(batch);
      } catch (error) {
        failure ??= error;
        this.#logger.error({ commit: batch.commit, error: String(error) }, 'a batch failed');
      }
    }
    group.writer.reset();
    if (failure === null) group.resolve();
    else group.reject(failure);
    this.#wake();
  }

  /** What gathered meanwhile was judged by events that are not to be: it fails along. */
  #fail(group: CommitGroup, error: unknown): void {
    const gathered = this.#gathering;
    this.#flushing = null;
    this.#gathering = new CommitGroup(gathered.writer);
    group.writer.reset();
    gathered.writer.reset();
    this.#nextCommit = this.#lastCommit + 1;
    this.#ahead = this.#durable.copy();
    this.#logger.error({ error: String(error) }, 'events could not be made durable');
    this.onFailure?.(error);
    group.reject(error);
    gathered.reject(error);
    this.#wake();
  }

  #wake(): void {
    const waiters = this.#roomWaiters;
    this.#roomWaiters = [];
    for (const wake of waiters) wake();
  }
}
