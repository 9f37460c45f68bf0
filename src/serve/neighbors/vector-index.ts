import { Index, MetricKind, ScalarKind } from 'usearch';
import { LIMITS } from '../../base/limits.ts';
import { measure } from '../../expr/vector-math.ts';
import type { NeighborMetric } from '../../plan/neighbor-form.ts';
import { closerFirst, type Found } from './closeness.ts';

/** One thread: what finds neighbors must not take the cores from who serves features. */
const THREADS = 1;
const KINDS: Readonly<Record<NeighborMetric, MetricKind>> = {
  cosine: MetricKind.Cos,
  dot: MetricKind.IP,
  distance: MetricKind.L2sq,
};
/** Of an entry beside its vector and its links: its texts and places in two maps, about. */
const ENTRY_BYTES = 240;
const LINK_BYTES = 5;
const MOVED_AT_ONCE = 4;

/**
 * Which keys have vectors near to another one. While there are few, all are looked at; from then on
 * a graph finds most of the nearest (HNSW), and whoever asks measures what it found.
 */
export class VectorIndex {
  readonly #size: number;
  readonly #metric: NeighborMetric;
  /** All vectors, while they are few; then null. */
  #all: Map<string, Float32Array> | null = new Map();
  #graph: Index | null = null;
  /** Keys that are not in the graph yet, while it is filled. */
  #waiting: Iterator<string> | null = null;
  /** Labels are never used again, so a vector that was replaced cannot be found under its key. */
  readonly #labels = new Map<string, bigint>();
  readonly #keys = new Map<bigint, string>();
  #nextLabel = 0n;

  constructor(size: number, metric: NeighborMetric) {
    this.#size = size;
    this.#metric = metric;
  }

  get count(): number {
    return this.#all?.size ?? this.#labels.size;
  }

  get isExact(): boolean {
    return this.#all !== null;
  }

  /** Memory that it takes, about. */
  get bytes(): number {
    const links = this.#all === null ? 3 * LIMITS.neighborLinks * LINK_BYTES : 0;
    return this.count * (this.#size * 4 + ENTRY_BYTES + links);
  }

  /** False where there is no room for another vector. */
  set(key: string, vector: Float32Array): boolean {
    if (!this.#canPlace(vector)) {
      this.remove(key);
      return true;
    }
    const isKnown = this.#all?.has(key) ?? this.#labels.has(key);
    if (!isKnown && this.bytes >= LIMITS.neighborIndexBytes) return false;
    this.#all?.set(key, vector);
    if (this.#all !== null && this.#graph === null && this.#all.size <= LIMITS.neighborsExact) {
      return true;
    }
    this.#graph ??= this.#newGraph();
    this.#add(key, vector);
    if (this.#all !== null) this.#fillGraph(this.#all);
    return true;
  }

  remove(key: string): void {
    this.#all?.delete(key);
    const label = this.#labels.get(key);
    if (label === undefined) return;
    this.#graph?.remove(label);
    this.#labels.delete(key);
    this.#keys.delete(label);
  }

  /** Keys of the nearest vectors, the nearest first; all of the nearest only while it is exact. */
  search(query: Float32Array, count: number): string[] {
    const all = this.#all;
    if (all !== null) return this.#searchAll(all, query, count);
    const found = this.#graph?.search(query, Math.min(count, this.count), THREADS);
    if (found === undefined || this.count === 0) return [];
    return Array.from(found.keys as BigUint64Array, (label) => this.#keys.get(label) ?? '').filter(
      (key) => key !== '',
    );
  }

  /** A vector without a direction has no cosine. */
  #canPlace(vector: Float32Array): boolean {
    return this.#metric !== 'cosine' || vector.some((item) => item !== 0);
  }

  #searchAll(all: ReadonlyMap<string, Float32Array>, query: Float32Array, count: number) {
    const found: Found[] = [];
    for (const [key, items] of all) {
      const value = measure(
        this.#metric,
        { items, from: 0 },
        { items: query, from: 0 },
        this.#size,
      );
      if (value !== null) found.push({ key, value });
    }
    return found
      .sort(closerFirst(this.#metric))
      .slice(0, count)
      .map(({ key }) => key);
  }

  #newGraph(): Index {
    this.#waiting = [...(this.#all?.keys() ?? [])][Symbol.iterator]();
    return new Index({
      dimensions: this.#size,
      metric: KINDS[this.#metric],
      quantization: ScalarKind.F32,
      connectivity: LIMITS.neighborLinks,
      expansion_add: LIMITS.neighborsWhenAdded,
      expansion_search: LIMITS.neighborsWhenAsked,
      multi: false,
    });
  }

  /** A few with each vector that comes, so that nobody waits for all of them at once. */
  #fillGraph(all: ReadonlyMap<string, Float32Array>): void {
    for (let n = 0; n < MOVED_AT_ONCE; n++) {
      const next = this.#waiting?.next();
      if (next === undefined || next.done === true) {
        this.#all = null;
        this.#waiting = null;
        return;
      }
      const vector = all.get(next.value);
      if (vector !== undefined && !this.#labels.has(next.value)) this.#add(next.value, vector);
    }
  }

  #add(key: string, vector: Float32Array): void {
    this.remove(key);
    const label = this.#nextLabel;
    this.#nextLabel += 1n;
    this.#graph?.add(label, vector, THREADS);
    this.#labels.set(key, label);
    this.#keys.set(label, key);
  }
}
