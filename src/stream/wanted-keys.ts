import { LIMITS } from '../base/limits.ts';
import type { OnlinePlan } from '../plan/online-form.ts';

/** How many keys are known, and how long after they were read. */
export interface WantedBounds {
  readonly keys: number;
  readonly keepMs: number;
  readonly lookMs: number;
}

export const WANTED_BOUNDS: WantedBounds = {
  keys: LIMITS.wantedKeys,
  keepMs: LIMITS.wantedMs,
  lookMs: LIMITS.wantedLookMs,
};

/** Of those that are read most, others are counted too: so many for each of them, and some. */
const COUNTED_FACTOR = 4;
const COUNTED_MORE = 1_000;

interface Asked {
  atMs: number;
  /** Reads; those before the last half of the time count half. */
  count: number;
  isWanted: boolean;
}

/**
 * Which keys of one tile group are to be in the store: those that readers asked for lately, or of
 * those the ones that were asked for most. What becomes of a key is told to a follower.
 */
export class WantedKeys {
  readonly #bounds: WantedBounds;
  /** In the order of their last read. */
  readonly #asked = new Map<string, Asked>();
  #top: number | null;
  #wanted = 0;
  #lookedMs = Number.NEGATIVE_INFINITY;
  #halvedMs: number | null = null;
  /** Hears of each key that comes or goes. */
  changed: (key: string) => void = () => {};

  constructor(online: OnlinePlan, bounds: WantedBounds) {
    this.#bounds = bounds;
    this.#top = online === 'read' ? null : online.top;
  }

  /** Goes on by another rule. */
  choose(online: OnlinePlan): void {
    this.#top = online === 'read' ? null : online.top;
    this.#lookedMs = Number.NEGATIVE_INFINITY;
  }

  get size(): number {
    return this.#wanted;
  }

  *keys(): Generator<string> {
    for (const [key, { isWanted }] of this.#asked) if (isWanted) yield key;
  }

  has(key: string): boolean {
    return this.#asked.get(key)?.isWanted === true;
  }

  isKnown(key: string): boolean {
    return this.#asked.has(key);
  }

  /** Somebody read the key so many times. It is for the caller to know that there is such a key. */
  ask(key: string, count: number, nowMs: number): void {
    const before = this.#asked.get(key);
    if (before !== undefined) {
      this.#asked.delete(key);
      this.#asked.set(key, before);
      before.atMs = nowMs;
      before.count += count;
      return;
    }
    const asked = { atMs: nowMs, count, isWanted: false };
    this.#asked.set(key, asked);
    if (this.#wanted < (this.#top ?? this.#bounds.keys)) this.#set(key, asked, true);
    const bound = this.#bound();
    for (const [oldest, one] of this.#asked) {
      if (this.#asked.size <= bound) break;
      this.#forget(oldest, one);
    }
  }

  /** Lets go of what nobody reads any more, and chooses anew what is read most. */
  look(nowMs: number): void {
    if (nowMs - this.#lookedMs < this.#bounds.lookMs) return;
    this.#lookedMs = nowMs;
    for (const [key, asked] of this.#asked) {
      if (nowMs - asked.atMs < this.#bounds.keepMs) break;
      this.#forget(key, asked);
    }
    if (this.#top === null) {
      for (const [key, asked] of this.#asked) this.#set(key, asked, true);
      return;
    }
    this.#halve(nowMs);
    // Of two that are read as much the one stays that is there.
    const order = [...this.#asked].sort(
      ([, a], [, b]) => b.count - a.count || Number(b.isWanted) - Number(a.isWanted),
    );
    const top = this.#top;
    order.forEach(([key, asked], at) => {
      this.#set(key, asked, at < top);
    });
  }

  #bound(): number {
    if (this.#top === null) return this.#bounds.keys;
    return Math.min(this.#bounds.keys, this.#top * COUNTED_FACTOR + COUNTED_MORE);
  }

  #halve(nowMs: number): void {
    this.#halvedMs ??= nowMs;
    if (nowMs - this.#halvedMs < this.#bounds.keepMs / 2) return;
    this.#halvedMs = nowMs;
    for (const asked of this.#asked.values()) asked.count /= 2;
  }

  #forget(key: string, asked: Asked): void {
    this.#asked.delete(key);
    this.#set(key, asked, false);
  }

  #set(key: string, asked: Asked, isWanted: boolean): void {
    if (asked.isWanted === isWanted) return;
    asked.isWanted = isWanted;
    this.#wanted += isWanted ? 1 : -1;
    this.changed(key);
  }
}
