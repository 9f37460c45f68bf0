import { AsofError } from '../../base/errors.ts';
import type { NeighborMetric } from '../../plan/neighbor-form.ts';
import type { RowVectors } from './row-vectors.ts';
import { VectorIndex } from './vector-index.ts';

/** When a slice of work has to end. */
export type IsOver = () => boolean;

/**
 * An index of the vectors of one feature, which follows the rows: each pass looks at all that are in
 * memory, and takes those up whose version differs from the one it knows. Rows on disk only are read
 * once, at the start; what changes has to come into memory.
 */
export class FollowedIndex {
  readonly index: VectorIndex;
  readonly vectors: RowVectors;
  /** Versions of rows as they are in the index, by row; and whose they are. */
  #versions = new Float64Array(0);
  readonly #owners: (string | undefined)[] = [];
  #hand = 0;
  #passCommit = 0;
  #passMs = 0;
  #cold: Iterator<string> | null;
  /** Everything up to this commit is in the index, since that time; -1 before the first pass. */
  commit = -1;
  sinceMs = 0;
  /** Vectors that found no room. */
  left = 0;
  #leftNow = 0;

  constructor(vectors: RowVectors, metric: NeighborMetric) {
    this.vectors = vectors;
    this.index = new VectorIndex(vectors.type.size, metric);
    this.#cold = vectors.group.savedKeys()[Symbol.iterator]();
  }

  get isBuilt(): boolean {
    return this.commit >= 0;
  }

  /** Goes on until it is over, or a pass has ended: then true. */
  step(isOver: IsOver, commit: number, nowMs: number): boolean {
    if (!this.#takeCold(isOver, nowMs)) return false;
    const { group } = this.vectors;
    const { table } = group;
    if (this.#hand === 0) {
      this.#passCommit = commit;
      this.#passMs = nowMs;
      this.#leftNow = 0;
    }
    this.#cover(table.rowLimit);
    for (; this.#hand < table.rowLimit; this.#hand++) {
      const row = this.#hand;
      const version = table.versions.of(row);
      if (this.#versions[row] === version) continue;
      if (isOver()) return false;
      this.#versions[row] = version;
      this.#take(row, nowMs);
    }
    this.#hand = 0;
    this.commit = this.#passCommit;
    this.sinceMs = this.#passMs;
    this.left = this.#leftNow;
    return true;
  }

  #take(row: number, nowMs: number): void {
    const { group } = this.vectors;
    const owner = group.isLive(row) ? group.keyOf(row) : undefined;
    const before = this.#owners[row];
    // Its row has gone for good; one that lies on disk is still there.
    if (before !== undefined && before !== owner && group.coldRows === 0) {
      if (group.findHot(before) < 0) this.index.remove(before);
    }
    this.#owners[row] = owner;
    if (owner === undefined) return;
    const vector = this.vectors.at(owner, row, nowMs);
    if (vector === null) this.index.remove(owner);
    else if (!this.index.set(owner, vector)) {
      // There may be room the next time.
      this.#versions[row] = -1;
      this.#leftNow += 1;
    }
  }

  /** Rows that lie on disk only; true once all were read. */
  #takeCold(isOver: IsOver, nowMs: number): boolean {
    while (this.#cold !== null) {
      if (isOver()) return false;
      const next = this.#cold.next();
      if (next.done === true) {
        this.#cold = null;
        break;
      }
      const vector = this.#read(next.value, nowMs);
      if (vector !== null) this.index.set(next.value, vector);
    }
    return true;
  }

  /** A damaged row is the engine's to find and to mend. */
  #read(key: string, nowMs: number): Float32Array | null {
    try {
      return this.vectors.of(key, nowMs);
    } catch (error) {
      if (error instanceof AsofError) return null;
      throw error;
    }
  }

  #cover(rows: number): void {
    if (this.#versions.length >= rows) return;
    const grown = new Float64Array(Math.max(rows, this.#versions.length * 2)).fill(-1);
    grown.set(this.#versions);
    this.#versions = grown;
  }
}
