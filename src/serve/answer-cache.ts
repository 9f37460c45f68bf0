import { LIMITS } from '../base/limits.ts';
import type { FeatureValue } from '../schema/types.ts';
import type { EntityRead, GroupRead } from './read-plan.ts';
import type { StatusCounts } from './status-counts.ts';

/** What one entity key reads as, for as long as nothing that it was read from changes. */
export interface CachedAnswer {
  readonly values: readonly FeatureValue[];
  readonly statuses: Uint8Array;
  /** By group: the key's row, or -1, and the version that was read. */
  readonly rows: readonly number[];
  readonly versions: readonly number[];
  readonly untilMs: number;
  /** Which views were stale when what follows was made. */
  staleId: number;
  /** JSON of the parts of a row that this entity decides, once somebody has written them. */
  pieces: (Uint8Array | undefined)[];
  /** Of the outputs. */
  counts: StatusCounts | null;
}

/**
 * Answers that still hold, by entity key. An answer holds until one of its rows changes, comes or
 * goes, or one of its windows moves on by a hop; so what comes out is what would be computed, to
 * the bit. Bounded: where half of the room is full, what was not asked for since it was full before
 * is forgotten, so that the last answers of half the room are always there.
 */
export class AnswerCache {
  readonly #entity: EntityRead;
  readonly #capacity: number;
  #answers = new Map<string, CachedAnswer>();
  #older = new Map<string, CachedAnswer>();
  hits = 0;

  constructor(entity: EntityRead, capacity: number = LIMITS.cachedAnswers) {
    this.#entity = entity;
    this.#capacity = capacity;
  }

  find(key: string, timeMs: number): CachedAnswer | null {
    const answer = this.#answers.get(key) ?? this.#fromOlder(key);
    if (answer === undefined || timeMs >= answer.untilMs) return null;
    const { groups } = this.#entity;
    for (let i = 0; i < groups.length; i++) {
      const version = versionOf(groups[i] as GroupRead, answer.rows[i] as number);
      if (version !== answer.versions[i]) return null;
    }
    this.hits += 1;
    return answer;
  }

  /** `untilMs`: until then the answer holds if no row changes. */
  keep(
    key: string,
    untilMs: number,
    rows: readonly number[],
    values: readonly FeatureValue[],
    statuses: Uint8Array,
  ): CachedAnswer {
    const { groups } = this.#entity;
    const versions = groups.map((group, i) => versionOf(group, rows[i] as number));
    const text = { staleId: 0, pieces: [], counts: null };
    const answer: CachedAnswer = { values, statuses, rows, versions, untilMs, ...text };
    this.#put(key, answer);
    return answer;
  }

  #fromOlder(key: string): CachedAnswer | undefined {
    const answer = this.#older.get(key);
    if (answer !== undefined) this.#put(key, answer);
    return answer;
  }

  #put(key: string, answer: CachedAnswer): void {
    if (this.#answers.size * 2 >= this.#capacity && !this.#answers.has(key)) {
      this.#older = this.#answers;
      this.#answers = new Map();
    }
    this.#answers.set(key, answer);
  }
}

/** An unknown key has no row whose version could change: it is unknown until some row comes. */
function versionOf(group: GroupRead, row: number): number {
  const { versions } = group.store.table;
  return row < 0 ? versions.membership : versions.of(row);
}
