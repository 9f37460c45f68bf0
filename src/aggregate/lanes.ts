import { present } from '../base/assert.ts';
import { splitWide } from './exact.ts';
import type { PreparedLane } from './kernel.ts';
import type { KernelInput, Lane } from './spec.ts';

const NO_NUMBERS = new Float64Array(0);
const NO_TEXTS: readonly string[] = [];

/** Brings the lanes of a batch into the form that kernels read; scratch is kept between batches. */
export class LanePreparer {
  #lanes: PreparedLane[] = [];
  #anyPass = new Uint8Array(0);
  readonly #scratch = new Map<number, { highs: Float64Array; lows: Float64Array }>();

  /** Prepares every lane and tells which events pass at least one of them. */
  prepare(input: KernelInput): Uint8Array {
    this.#lanes = input.lanes.map((lane, index) => this.#prepareLane(lane, index, input.count));
    const [first] = this.#lanes;
    if (first === undefined) return new Uint8Array(input.count);
    if (this.#lanes.length === 1) return first.pass;
    if (this.#anyPass.length < input.count) this.#anyPass = new Uint8Array(input.count);
    const any = this.#anyPass;
    any.set(first.pass.subarray(0, input.count));
    for (let k = 1; k < this.#lanes.length; k++) {
      const { pass } = this.lane(k);
      for (let i = 0; i < input.count; i++) any[i] = (any[i] as number) | (pass[i] as number);
    }
    return any;
  }

  lane(index: number): PreparedLane {
    return present(this.#lanes[index], 'a batch has every lane of its tile group');
  }

  #prepareLane(lane: Lane, index: number, count: number): PreparedLane {
    const { pass } = lane;
    if (lane.kind === 'string') return { pass, lows: NO_NUMBERS, highs: null, texts: lane.values };
    if (lane.wide === null) return { pass, lows: lane.values, highs: null, texts: NO_TEXTS };
    const { highs, lows } = this.#wideScratch(index, count);
    splitWide(lane.wide, count, highs, lows);
    return { pass, lows, highs, texts: NO_TEXTS };
  }

  #wideScratch(index: number, count: number): { highs: Float64Array; lows: Float64Array } {
    const kept = this.#scratch.get(index);
    if (kept !== undefined && kept.lows.length >= count) return kept;
    const fresh = { highs: new Float64Array(count), lows: new Float64Array(count) };
    this.#scratch.set(index, fresh);
    return fresh;
  }
}
