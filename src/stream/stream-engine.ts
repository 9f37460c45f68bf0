import { assert } from '../base/assert.ts';
import type { BreakerState } from '../base/circuit-breaker.ts';
import { AsofError } from '../base/errors.ts';
import { LIMITS } from '../base/limits.ts';
import { nextTurn } from '../base/pause.ts';
import type { EventBatch } from '../schema/batch.ts';
import { MemoryTileStore } from '../store/memory-tile-store.ts';
import type { StateFiles } from '../store/state-files.ts';
import { buildMissing } from './build-missing.ts';
import { Checkpointer, type CheckpointStats } from './checkpointer.ts';
import type { CommittedLog, EventHistory } from './event-history.ts';
import type { HotKeys } from './hot-keys.ts';
import type { LoadedGroups } from './load-groups.ts';
import { newMetrics, type StreamMetrics } from './metrics.ts';
import type { Stage } from './pressure.ts';
import {
  applierOf,
  archivedAfter,
  attachGroups,
  letsGoOf,
  reachesBack,
  requireLog,
  restoredState,
} from './restore.ts';
import { SaveGuard } from './save-guard.ts';
import type { SourceApplier } from './source-applier.ts';
import type { StateUsage } from './state-budget.ts';
import { StateKeeper } from './state-keeper.ts';
import type { StreamEngineOptions } from './stream-engine-options.ts';

/** The embedded engine: keyed tiles in memory, fed commit by commit, saved by checkpoints. */
export class StreamEngine {
  readonly store: MemoryTileStore;
  readonly metrics: StreamMetrics;
  readonly #options: StreamEngineOptions;
  readonly #appliers = new Map<string, SourceApplier>();
  readonly #checkpointer: Checkpointer;
  readonly #guard: SaveGuard;
  readonly #files: StateFiles;
  readonly #keeper: StateKeeper;
  /** Set while a batch is being applied: one that failed half-way leaves it set for ever. */
  #inside = false;
  #closed = false;

  private constructor(
    options: StreamEngineOptions,
    store: MemoryTileStore,
    files: StateFiles,
    metrics: StreamMetrics,
    loaded: LoadedGroups,
  ) {
    this.#options = options;
    this.store = store;
    this.metrics = metrics;
    for (const source of options.plan.sources) {
      this.#appliers.set(source.name, applierOf(source, options, store, loaded));
    }
    this.#files = files;
    const numbered = [...store.groups].map((one) => [files.rowsOf(one.id).number, one] as const);
    const groups = new Map(numbered);
    this.#keeper = new StateKeeper({
      plan: options.plan,
      store,
      files,
      groups,
      metrics,
      memoryBytes: options.stateMemoryBytes ?? LIMITS.stateMemoryBytes,
      logger: options.logger,
      turn: options.turn ?? nextTurn,
    });
    this.#checkpointer = new Checkpointer({
      store,
      files,
      groups,
      clock: options.clock,
      metrics,
      sliceBytes: options.sliceBytes ?? LIMITS.checkpointSliceBytes,
      turn: options.turn ?? nextTurn,
    });
    this.#guard = new SaveGuard({
      checkpointer: this.#checkpointer,
      policy: options.policy,
      clock: options.clock,
      logger: options.logger,
      facts: () => this.#keeper.facts,
      ...(options.unsavedEvents === undefined ? {} : { unsavedEvents: options.unsavedEvents }),
    });
  }

  /**
   * Reads where the rows of the checkpoint lie, builds the groups it lacks, and replays the log
   * after it. Rows come into memory when they are needed. A state that is damaged is given up and
   * built anew where archive and log hold every event.
   * @throws AsofError `corrupt_state`, `newer_format`, `corrupt_log`
   */
  static async open(options: StreamEngineOptions): Promise<StreamEngine> {
    const { log, history, state, logger } = options;
    try {
      return await StreamEngine.#openOnce(options);
    } catch (error) {
      const isDamaged = error instanceof AsofError && error.code === 'corrupt_state';
      if (!isDamaged || !reachesBack(log, history)) throw error;
      const fields = { code: error.code, error: error.message };
      logger.warn(fields, 'the saved state is damaged; it is built anew from archive and log');
      state.wipe();
      const engine = await StreamEngine.#openOnce(options);
      engine.metrics.statesRebuilt = 1;
      return engine;
    }
  }

  static async #openOnce(options: StreamEngineOptions): Promise<StreamEngine> {
    const { plan, log, history, state, logger } = options;
    const store = new MemoryTileStore();
    const metrics = newMetrics();
    const files = state.open();
    try {
      if (files.tornBytes > 0) {
        const fields = { bytes: files.tornBytes, commit: files.meta.position.commit };
        logger.warn(fields, 'the newest checkpoint is not whole; the one before it is used');
      }
      const { position } = files.meta;
      requireLog(log, position.commit);
      const missing = attachGroups(plan, store, files, options.importing);
      if (position.commit > 0) store.applied.restore(position);
      options.onRestored?.(restoredState(plan, store, missing));
      const { loaded, relief } = await buildMissing(options, missing, { store, files, metrics });
      metrics.lastCheckpointCommit = position.commit;
      metrics.lastCheckpointAtMs = options.clock.nowMs();
      const engine = new StreamEngine(options, store, files, metrics, loaded);
      files.segments.reader.hold(true);
      await engine.#replay(log, history);
      relief.end();
      files.segments.reader.hold(false);
      return engine;
    } catch (error) {
      files.close();
      throw error;
    }
  }

  /**
   * Applies the next commit; synchronous, so that state is seen only between commits. A commit that
   * has been applied changes nothing when it comes again.
   */
  apply(batch: EventBatch): void {
    const { applied } = this.store;
    if (batch.commit <= applied.commit) {
      this.metrics.batchesIgnored += 1;
      return;
    }
    assert(
      batch.commit === applied.commit + 1,
      `commit ${applied.commit + 1} is next, not ${batch.commit}`,
    );
    const startMs = this.#options.clock.nowMs();
    this.#applyNext(batch);
    this.metrics.applyMs += this.#options.clock.nowMs() - startMs;
    if (this.#canSave) this.#guard.poll();
  }

  /**
   * To be called now and then: asks the policy whether to take a checkpoint, as `apply` does after
   * every commit, and takes out of memory what is too much and has been saved meanwhile. Where
   * pushes are refused until there is room, no commit would come to do so.
   */
  poll(): void {
    if (!this.#canSave) return;
    this.#keeper.relieve();
    this.#guard.poll();
  }

  get #canSave(): boolean {
    return !this.#closed && !this.#inside && this.damage === null;
  }

  /** Saves the state as of now. */
  checkpoint(): Promise<CheckpointStats> {
    assert(!this.#inside, 'no checkpoint is taken of a batch that was applied in part');
    return this.#guard.save();
  }

  /** How full the buffer in front of the saved state is, and whether the store is left alone. */
  get saving(): { readonly stages: Stage[]; readonly breaker: BreakerState } {
    return this.#guard;
  }

  /** The log and archive up to this commit are not needed for a restart of the present groups. */
  get checkpointedCommit(): number {
    return this.#checkpointer.storedCommit;
  }

  /** Whether some view of a source stops at its budget: then each commit needs a look at it. */
  stops(source: string): boolean {
    return this.#keeper.budget.stops(source);
  }

  /** Why pushes to a source cannot be taken now, or null. */
  refusal(source: string): AsofError | null {
    return this.#keeper.budget.refusal(source);
  }

  /** Bytes of the files, and of the index that says where rows lie in them. */
  savedSize(): { fileBytes: number; indexBytes: number } {
    return this.#files.size();
  }

  /** What the state of each view takes, and what it may. */
  stateUsage(): StateUsage[] {
    return this.#keeper.budget.usage();
  }

  /** By the names of key columns. */
  hotKeys(source: string): ReadonlyMap<string, HotKeys> {
    return this.#appliers.get(source)?.hotKeys ?? new Map();
  }

  /** Whether history of a source can be applied: nothing that it may join is let go of meanwhile. */
  canImport(source: string): boolean {
    if (this.#appliers.get(source)?.isImporting === true) return true;
    return !letsGoOf(source, this.#options.plan);
  }

  endImport(source: string): void {
    this.#appliers.get(source)?.endImport();
  }

  /** What failed its checksum, or null; reads and events that need it are refused. */
  get damage(): string | null {
    return this.#files.segments.reader.damage;
  }

  /** Keys held, and the tiles and bytes of those in memory, over all groups. */
  size(): { keys: number; rows: number; tiles: number; bytes: number } {
    return this.#keeper.size();
  }

  /** Saves what is unsaved and frees the files. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    try {
      await this.#checkpointer.settled();
      const unsaved = this.store.applied.commit > this.#checkpointer.storedCommit;
      const isSound = !this.#inside && this.damage === null;
      if (isSound && (unsaved || this.#files.isPartial || this.metrics.groupsRebuilt > 0))
        await this.checkpoint();
    } finally {
      this.#files.close();
    }
  }

  /** Ends without saving, as a crash would; what was running is awaited, nothing more is begun. */
  async abandon(): Promise<void> {
    this.#closed = true;
    await this.#checkpointer.settled();
    this.#files.close();
  }

  async #replay(log: CommittedLog, history: EventHistory | null): Promise<void> {
    const { applied } = this.store;
    const { firstCommit } = log;
    let archived = 0;
    for await (const batch of archivedAfter(applied.commit, log, history)) {
      this.#feed(batch);
      archived += batch.count;
    }
    if (firstCommit > applied.commit + 1) applied.finish(firstCommit - 1);
    this.metrics.eventsReplayed += archived;
    for (const batch of log.read(applied.commit)) {
      this.#applyNext(batch);
      this.metrics.eventsReplayed += batch.count;
    }
    // Commits of sources that the definitions no longer have are not read back.
    applied.finish(Math.max(applied.commit, log.lastCommit));
  }

  #applyNext(batch: EventBatch): void {
    this.#feed(batch);
    this.store.applied.finish(batch.commit);
  }

  #feed(batch: EventBatch): void {
    assert(!this.#inside, 'the state is broken by a batch that failed; restart to rebuild it');
    this.#inside = true;
    this.#keeper.begin();
    const { applied, groups } = this.store;
    applied.observe(batch);
    for (const group of groups) group.advanceTo(applied.newestArrivalMs);
    const applier = this.#appliers.get(batch.source);
    applier?.apply(batch);
    applier?.report(this.metrics);
    applier?.balance(this.#checkpointer.isRunning);
    this.#keeper.finish();
    this.#guard.applied(batch.count);
    this.metrics.eventsApplied += batch.count;
    this.metrics.batchesApplied += 1;
    this.#inside = false;
  }
}
