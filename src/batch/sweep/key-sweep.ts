import { Fenwick } from './fenwick.ts';

/** Numbers of one kind in a block that grows. */
export class NumberList {
  values = new Float64Array(1024);
  length = 0;

  push(value: number): void {
    if (this.length === this.values.length) {
      const grown = new Float64Array(this.length * 2);
      grown.set(this.values);
      this.values = grown;
    }
    this.values[this.length] = value;
    this.length += 1;
  }

  at(index: number): number {
    return this.values[index] as number;
  }
}

/** What of its events a row has in its window, by rank of their entries. */
export interface SweptEntries {
  /** 1 where some event ever was of the entry, taken back or not. */
  readonly gross: Fenwick;
  /** 1 where one is left. */
  readonly live: Fenwick;
  /** How many are left. */
  readonly weights: Fenwick;
}

/**
 * The events of one key in the order in which they become visible, and its rows in the order of
 * their times. As both ends of a window only move forward with the row's time, each event comes in
 * once and goes out once, however many rows there are.
 */
export class KeySweep implements SweptEntries {
  readonly gross = new Fenwick();
  readonly live = new Fenwick();
  readonly weights = new Fenwick();
  readonly #ranks = new NumberList();
  readonly #times = new NumberList();
  readonly #visible = new NumberList();
  readonly #signs = new NumberList();
  /** Of each rank, how many rows speak of it, and how many events are left. */
  #spoken = new Float64Array(0);
  #left = new Float64Array(0);
  #byTime = new Int32Array(0);
  #state = new Uint8Array(0);
  #seen = 0;
  #reached = 0;
  #expired = 0;
  #highest = -1;

  /** Events of a key must come with rising `visible`. */
  addEvent(rank: number, timeMs: number, visible: number, sign: number): void {
    this.#ranks.push(rank);
    this.#times.push(timeMs);
    this.#visible.push(visible);
    this.#signs.push(sign);
    if (rank > this.#highest) this.#highest = rank;
  }

  /** Once all events are there, before the first row. */
  begin(): void {
    const count = this.#ranks.length;
    const ranks = this.#highest + 1;
    for (const tree of [this.gross, this.live, this.weights]) tree.reset(ranks);
    if (this.#spoken.length < ranks) {
      this.#spoken = new Float64Array(ranks * 2);
      this.#left = new Float64Array(ranks * 2);
    } else {
      this.#spoken.fill(0, 0, ranks);
      this.#left.fill(0, 0, ranks);
    }
    if (this.#state.length < count) {
      this.#state = new Uint8Array(count * 2);
      this.#byTime = new Int32Array(count * 2);
    } else {
      this.#state.fill(0, 0, count);
    }
    const order = this.#byTime.subarray(0, count);
    for (let i = 0; i < count; i++) order[i] = i;
    const times = this.#times.values;
    order.sort((a, b) => (times[a] as number) - (times[b] as number));
  }

  /** Moves on to a row that sees what is visible at `v`, of the times in `[start, end)`. */
  moveTo(v: number, start: number, end: number): void {
    const count = this.#ranks.length;
    const times = this.#times.values;
    while (this.#seen < count && this.#visible.at(this.#seen) <= v) {
      this.#mark(this.#seen, SEEN);
      this.#seen += 1;
    }
    while (this.#reached < count) {
      const event = this.#byTime[this.#reached] as number;
      if ((times[event] as number) >= end) break;
      this.#mark(event, REACHED);
      this.#reached += 1;
    }
    while (this.#expired < count) {
      const event = this.#byTime[this.#expired] as number;
      if ((times[event] as number) >= start) break;
      this.#expire(event);
      this.#expired += 1;
    }
  }

  /** Forgets the key. */
  clear(): void {
    for (const list of [this.#ranks, this.#times, this.#visible, this.#signs]) list.length = 0;
    this.#seen = 0;
    this.#reached = 0;
    this.#expired = 0;
    this.#highest = -1;
  }

  #mark(event: number, flag: number): void {
    const before = this.#state[event] as number;
    const state = before | flag;
    this.#state[event] = state;
    if (before !== state && state === (SEEN | REACHED)) this.#count(event, 1);
  }

  #expire(event: number): void {
    const before = this.#state[event] as number;
    this.#state[event] = before | EXPIRED;
    if (before === (SEEN | REACHED)) this.#count(event, -1);
  }

  #count(event: number, change: number): void {
    const rank = this.#ranks.at(event);
    const weight = change * this.#signs.at(event);
    const spoken = (this.#spoken[rank] as number) + change;
    const left = this.#left[rank] as number;
    this.#spoken[rank] = spoken;
    this.#left[rank] = left + weight;
    if (change > 0 && spoken === 1) this.gross.add(rank, 1);
    if (change < 0 && spoken === 0) this.gross.add(rank, -1);
    this.weights.add(rank, weight);
    const isLive = left + weight > 0;
    if (isLive !== left > 0) this.live.add(rank, isLive ? 1 : -1);
  }
}

const SEEN = 1;
const REACHED = 2;
const EXPIRED = 4;
