import type { Machine, Stateful } from './machine.ts';

/** By which part of its own bound the whole state may be exceeded before pushes are refused. */
const HARD_MULTIPLE = 2;

/**
 * Holds bounds that refuse pushes to their word: once one is met, no more is taken than was on its
 * way in.
 */
export class Overflow {
  readonly #machine: Machine;
  /** By bound that is met: rows that were on their way, and have not come yet. */
  readonly #left = new Map<string, number>();
  readonly #noticed = new Map<string, number>();
  #inside = 0;

  constructor(machine: Machine) {
    this.#machine = machine;
  }

  /** Rows come, of which an update may be two. */
  enter(rows: number, server: Stateful | null): void {
    this.#inside += 2 * rows;
    if (server === null) return;
    for (const [bound, isFull] of this.#bounds(server)) if (!isFull) this.#left.delete(bound);
  }

  leave(rows: number): void {
    this.#inside -= 2 * rows;
  }

  /** Another engine may have come with much that is unsaved. */
  begin(): void {
    this.#left.clear();
    this.#noticed.clear();
  }

  /** What a state larger than memory does, so that runs in which it does not are noticed. */
  #notice({ engine, plan }: Stateful): void {
    const { metrics } = engine;
    const hotKeys = plan.sources.flatMap(({ name }) => [...engine.hotKeys(name).values()]);
    const { rowsSpilled, rowsLoaded, evictionReads, checkpointMoves, checkpointFailures } = metrics;
    const counts = {
      'rows that left memory': rowsSpilled,
      'rows that came from disk': rowsLoaded,
      'rows on disk looked at for expiry': evictionReads,
      'saved rows that were moved': checkpointMoves,
      'a checkpoint that failed': checkpointFailures,
      'a key that was split': hotKeys.reduce((sum, { splits }) => sum + splits, 0),
      'a key that was put together again': hotKeys.reduce((sum, { merges }) => sum + merges, 0),
    };
    for (const [what, count] of Object.entries(counts)) {
      if (count > (this.#noticed.get(what) ?? 0)) this.#machine.seen(what);
      this.#noticed.set(what, count);
    }
  }

  applied(server: Stateful, source: string, rows: number): void {
    this.#notice(server);
    for (const [bound, isFull, of] of this.#bounds(server)) {
      const left = this.#left.get(bound);
      if (!isFull) this.#left.delete(bound);
      else if (left === undefined) this.#left.set(bound, this.#inside);
      else if (of === null || of === source) {
        this.#left.set(bound, left - rows);
        if (left < rows) this.#machine.problems.report(`${bound} is full, and rows are taken`);
      }
    }
  }

  *#bounds({ engine, plan }: Stateful): Generator<[string, boolean, string | null]> {
    const { memoryBytes, onStoreFailure } = this.#machine.strain;
    if (memoryBytes !== null) {
      const { bytes } = engine.size();
      yield ['the memory of the state', bytes > memoryBytes * HARD_MULTIPLE, null];
    }
    if (onStoreFailure === 'slow') {
      for (const { name, used, bound } of engine.saving.stages) yield [name, used >= bound, null];
    }
    for (const { view, version, bytes, budgetBytes, atLimit } of engine.stateUsage()) {
      if (budgetBytes === null || atLimit !== 'stop') continue;
      const { source } = plan.views.find((one) => one.name === view && one.version === version) ?? {
        source: null,
      };
      yield [`the view ${view}@${version}`, bytes >= budgetBytes, source];
    }
  }
}
