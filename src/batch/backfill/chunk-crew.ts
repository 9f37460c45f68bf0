import type { OfflineFiles } from '../../store/offline-files.ts';
import { Brake } from './brake.ts';
import { runChunk } from './chunk-work.ts';
import { type ChunkPlan, catalogChunk, rowsOfChunk } from './chunks.ts';
import { readsByDay } from './file-ranges.ts';
import type { HeldLease } from './held-lease.ts';
import type { OpenRun } from './open-run.ts';
import type { Workbench } from './workbench.ts';
import type { BackfillLimits, BackfillTarget, BackfillWorld } from './world.ts';

/** Days of fewer rows are not worth a query of their own. */
const ROWS_BY_DAY_MIN = 100_000;
/** Rows read more often than so are grouped in one go, at the cost of a table between. */
const READS_BY_DAY_MAX = 4;

/** Why chunks were left for later. */
export type StopReason = 'range' | 'quota' | 'signal';

/** Works off the chunks of a run, several at a time, and notes each once its files are durable. */
export class ChunkCrew {
  readonly #world: BackfillWorld;
  readonly #target: BackfillTarget;
  readonly #limits: BackfillLimits;
  readonly #open: OpenRun;
  readonly #workbench: Workbench;
  readonly #files: OfflineFiles;
  readonly #writer: string;
  readonly #brake: Brake;
  readonly #stop: AbortController;
  readonly #signal: AbortSignal;
  readonly #queue: ChunkPlan[];
  readonly #leftOut: number;
  readonly #rowsTotal: number;
  readonly #sinceMs: number;
  readonly #msBefore: number;
  #rowsDone: number;
  #rowsNow = 0;
  /** Rows of chunks that are being computed, as far as they are. */
  readonly #begun = new Map<number, number>();
  #waiting: string | null = null;
  #usedUp = false;

  constructor(
    world: BackfillWorld,
    target: BackfillTarget,
    limits: BackfillLimits,
    use: {
      readonly open: OpenRun;
      readonly workbench: Workbench;
      readonly files: OfflineFiles;
      readonly held: HeldLease;
    },
  ) {
    this.#world = world;
    this.#target = target;
    this.#limits = limits;
    this.#open = use.open;
    this.#workbench = use.workbench;
    this.#files = use.files;
    this.#writer = `${use.open.run.number}.${use.held.lease.token}`;
    this.#brake = new Brake(world, limits, limits.quotaOf(target.group));
    this.#stop = new AbortController();
    this.#signal = AbortSignal.any([limits.signal, use.held.signal, this.#stop.signal]);
    const { chunks, files, totals } = use.open;
    const left = chunks.filter(({ chunk }) => !files.has(chunk));
    this.#queue = left.filter((chunk) => isWithin(chunk, limits));
    this.#leftOut = left.length - this.#queue.length;
    const rowsOf = (plans: readonly ChunkPlan[]): number =>
      plans.reduce((sum, plan) => sum + rowsOfChunk(plan), 0);
    this.#rowsTotal = rowsOf(chunks);
    this.#rowsDone = this.#rowsTotal - rowsOf(left);
    this.#sinceMs = world.stopwatchMs();
    this.#msBefore = totals.ms;
  }

  /** All that may be done now; null once every chunk is done, else why some are not. */
  async work(): Promise<StopReason | null> {
    this.#tell();
    const { sessions } = this.#workbench;
    const crew = Array.from({ length: sessions }, (_, index) => this.#worker(index));
    const ends = await Promise.allSettled(crew);
    const failed = ends.find((end) => end.status === 'rejected');
    if (failed !== undefined && !this.#limits.signal.aborted) throw this.#stop.signal.reason;
    if (this.#limits.signal.aborted) return 'signal';
    if (this.#usedUp) return 'quota';
    return this.#leftOut > 0 ? 'range' : null;
  }

  /** The first failure stops the others, and is the one that is told. */
  async #worker(index: number): Promise<void> {
    try {
      for (;;) {
        const chunk = this.#queue.shift();
        if (chunk === undefined) return;
        const isAdmitted = await this.#brake.admit(rowsOfChunk(chunk), this.#signal, (why) =>
          this.#wait(why),
        );
        if (!isAdmitted) {
          this.#usedUp = true;
          this.#queue.length = 0;
          return;
        }
        await this.#run(index, chunk);
      }
    } catch (error) {
      this.#stop.abort(error);
      throw error;
    }
  }

  async #run(index: number, plan: ChunkPlan): Promise<void> {
    const { catalog, builder, onStep = () => {} } = this.#world;
    const { run, throughCommit, attempts, files, totals } = this.#open;
    const attempt = (attempts.get(plan.chunk) ?? 0) + 1;
    attempts.set(plan.chunk, attempt);
    catalog.runs.setChunks(run.number, [catalogChunk(plan, 'running', attempt)]);
    onStep({ kind: 'begun', chunk: plan.chunk });
    const work = {
      session: this.#workbench.session(index),
      events: await this.#workbench.events(index, this.#target.source, throughCommit),
      files: this.#files,
      builder,
      target: this.#target,
      writer: this.#writer,
      readsByDay: this.#readsByDay(plan),
      signal: this.#signal,
      onStep,
      onShare: (share: number) => {
        this.#begun.set(plan.chunk, share * rowsOfChunk(plan));
        this.#tell();
      },
    };
    const written = await runChunk(work, plan);
    const noted = catalogChunk(plan, 'done', attempt, written);
    files.set(plan.chunk, written);
    totals.rows += noted.rowsIn;
    totals.tiles += noted.rowsOut;
    totals.bytes += noted.bytes;
    totals.ms = this.#msBefore + Math.ceil(this.#world.stopwatchMs() - this.#sinceMs);
    catalog.runs.setChunks(run.number, [noted]);
    catalog.runs.update(run.number, { ...totals });
    onStep({ kind: 'noted', chunk: plan.chunk });
    const rows = rowsOfChunk(plan);
    this.#brake.done(rows);
    this.#begun.delete(plan.chunk);
    this.#rowsDone += rows;
    this.#rowsNow += rows;
    this.#tell();
  }

  #readsByDay(plan: ChunkPlan): boolean {
    const days = plan.days.map(({ day }) => day);
    if (rowsOfChunk(plan) < ROWS_BY_DAY_MIN * days.length) return false;
    const files = this.#world.fileRanges(this.#target.source.name);
    return readsByDay(files, days) <= READS_BY_DAY_MAX;
  }

  #wait(why: string | null): void {
    if (why === this.#waiting) return;
    this.#waiting = why;
    this.#tell();
  }

  #tell(): void {
    const passedMs = this.#world.stopwatchMs() - this.#sinceMs;
    const begun = Math.floor([...this.#begun.values()].reduce((sum, rows) => sum + rows, 0));
    const rowsDone = this.#rowsDone + begun;
    const rowsNow = this.#rowsNow + begun;
    this.#limits.onProgress({
      group: this.#target.group.id,
      rowsDone,
      rowsTotal: this.#rowsTotal,
      remainingMs: rowsNow === 0 ? null : ((this.#rowsTotal - rowsDone) / rowsNow) * passedMs,
      waiting: this.#waiting,
    });
  }
}

function isWithin({ days }: ChunkPlan, { fromDay, throughDay }: BackfillLimits): boolean {
  return days.some(({ day }) => day >= (fromDay ?? day) && day <= (throughDay ?? day));
}
