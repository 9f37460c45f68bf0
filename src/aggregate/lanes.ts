import { present } from '../base/assert.ts';
import { splitWide } from './exact.ts';
import type { PreparedLane, Selection } from './kernel.ts';
import type { KernelInput, Lane } from './spec.ts';

const NO_NUMBERS = new Float64Array(0);
const NO_TEXTS: readonly string[] = [];

/** Brings the lanes of a batch into the form that kernels read; scratch is kept between batches. */
export class LanePreparer {
  /** By event: whether it passes at least one lane. */
  anyPass = new Uint8Array(0);
  /** By event: the address of its tile, or -1; filled in by the table. */
  addresses = new Int32Array(0);
  #lanes: PreparedLane[] = [];
  readonly #selection: Selection;
  readonly #scratch = new Map<number, { highs: Float64Array; lows: Float64Array }>();

  constructor(eventsPerPass: number) {
    this.#selection = {
      count: 0,
      events: new Int32Array(eventsPerPass),
      tiles: new Int32Array(eventsPerPass),
    };
  }

  prepare(input: KernelInput): void {
    const { count } = input;
    this.#lanes = input.lanes.map((lane, index) => this.#prepareLane(lane, index, count));
    if (this.addresses.length < count) {
      this.addresses = new Int32Array(count);
      this.anyPass = new Uint8Array(count);
    }
    const any = this.anyPass;
    any.fill(0);
    for (const { pass } of this.#lanes) {
      for (let i = 0; i < count; i++) any[i] = (any[i] as number) | (pass[i] as number);
    }
  }

  /** The events of `[from, to)` that pass the lane and have a tile; the next call reuses it. */
  select(lane: PreparedLane, from: number, to: number): Selection {
    const selection = this.#selection;
    const { events, tiles } = selection;
    const { addresses } = this;
    const { pass } = lane;
    let count = 0;
    for (let i = from; i < to; i++) {
      const tile = addresses[i] as number;
      events[count] = i;
      tiles[count] = tile;
      // Whether an event passes is hard to foretell, so no branch depends on it.
      count += (pass[i] as number) & ~(tile >> 31);
    }
    selection.count = count;
    return selection;
  }

  lane(index: number): PreparedLane {
    return present(this.#lanes[index], 'a batch has every lane of its tile group');
  }

  #prepareLane(lane: Lane, index: number, count: number): PreparedLane {
    const { pass, valid = null } = lane;
    if (lane.kind === 'string') {
      return { pass, lows: NO_NUMBERS, highs: null, texts: lane.values, valid };
    }
    if (lane.wide === null) return { pass, lows: lane.values, highs: null, texts: NO_TEXTS, valid };
    const { highs, lows } = this.#wideScratch(index, count);
    splitWide(lane.wide, count, highs, lows);
    return { pass, lows, highs, texts: NO_TEXTS, valid };
  }

  #wideScratch(index: number, count: number): { highs: Float64Array; lows: Float64Array } {
    const kept = this.#scratch.get(index);
    if (kept !== undefined && kept.lows.length >= count) return kept;
    const fresh = { highs: new Float64Array(count), lows: new Float64Array(count) };
    this.#scratch.set(index, fresh);
    return fresh;
  }
}
