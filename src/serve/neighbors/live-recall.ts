import { measure } from '../../expr/vector-math.ts';
import type { NeighborMetric } from '../../plan/neighbor-form.ts';
import { closerFirst, type Found } from './closeness.ts';
import type { FollowedIndex, IsOver } from './followed-index.ts';

/** Of how many nearest: recall@10. */
export const RECALL_AT = 10;

/** A search that is done again by looking at all rows, a slice at a time. */
export class RecallSample {
  readonly #of: FollowedIndex;
  readonly #metric: NeighborMetric;
  readonly #query: Float32Array;
  readonly #found: ReadonlySet<string>;
  #best: Found[] = [];
  #hand = 0;

  constructor(
    of: FollowedIndex,
    metric: NeighborMetric,
    query: Float32Array,
    found: readonly string[],
  ) {
    this.#of = of;
    this.#metric = metric;
    this.#query = query;
    this.#found = new Set(found.slice(0, RECALL_AT));
  }

  /** Null until it has seen all rows; then how many of the nearest were found, of how many. */
  step(isOver: IsOver, nowMs: number): { readonly hits: number; readonly wanted: number } | null {
    const { group } = this.#of.vectors;
    for (; this.#hand < group.table.rowLimit; this.#hand++) {
      if (isOver()) return null;
      if (group.isLive(this.#hand)) this.#look(this.#hand, nowMs);
    }
    this.#cut();
    const hits = this.#best.filter(({ key }) => this.#found.has(key)).length;
    return { hits, wanted: this.#best.length };
  }

  #look(row: number, nowMs: number): void {
    const { vectors } = this.#of;
    const key = vectors.group.keyOf(row);
    const items = vectors.at(key, row, nowMs);
    if (items === null) return;
    const { size } = vectors.type;
    const value = measure(this.#metric, { items, from: 0 }, { items: this.#query, from: 0 }, size);
    if (value === null) return;
    this.#best.push({ key, value });
    if (this.#best.length < 4 * RECALL_AT) return;
    this.#cut();
  }

  #cut(): void {
    this.#best = this.#best.sort(closerFirst(this.#metric)).slice(0, RECALL_AT);
  }
}
