import { quantize } from '../aggregate/quantize.ts';
import type { Lane } from '../aggregate/spec.ts';
import { assert } from '../base/assert.ts';
import type { Faults } from '../expr/faults.ts';
import type { LanePlan } from '../plan/plan.ts';
import type { Column } from '../schema/batch.ts';
import { packedTexts } from '../schema/packed-vector.ts';
import type { ExpressionTable } from './expression-table.ts';

/** One lane of the kernel's input, made from a batch; buffers are kept from batch to batch. */
export type LaneMaker = (count: number) => Lane;

const NO_VALUES = new Float64Array(0);

/** The ways to make a lane are chosen here, when the plan is compiled, never per event. */
export function compileLane(
  plan: LanePlan,
  expressions: ExpressionTable,
  faults: Faults,
): LaneMaker {
  const filterSlot = plan.filter === null ? -1 : expressions.add(plan.filter);
  const pass = new PassBuffer();
  const filterOf = () => (filterSlot < 0 ? null : expressions.column(filterSlot));
  if (plan.measure === null) {
    return (count) => {
      const passing = pass.fill(filterOf(), null, count);
      return { kind: 'number', values: NO_VALUES, wide: null, pass: passing };
    };
  }
  const measureSlot = expressions.add(plan.measure);
  const { quantizeScale, nullable = false } = plan;
  if (nullable) {
    return (count) => {
      const measure = expressions.column(measureSlot);
      const lane = plainLane(measure, pass.fill(filterOf(), null, count), count);
      return { ...lane, valid: measure.valid };
    };
  }
  if (quantizeScale === null) {
    return (count) => {
      const measure = expressions.column(measureSlot);
      return plainLane(measure, pass.fill(filterOf(), measure, count), count);
    };
  }
  const quantizer = new Quantizer();
  return (count) => {
    const measure = expressions.column(measureSlot);
    assert(measure.kind === 'number', 'only numbers are quantized');
    const passing = pass.fill(filterOf(), measure, count);
    const values = quantizer.apply(measure.values, quantizeScale, passing, count);
    faults.overflow += quantizer.overflow;
    if (quantizer.overflow > 0) pass.forget();
    return { kind: 'number', values, wide: null, pass: passing };
  };
}

function plainLane(measure: Column, pass: Uint8Array, count: number): Lane {
  switch (measure.kind) {
    case 'number':
      return { kind: 'number', values: measure.values, wide: measure.wide, pass };
    case 'string':
      return { kind: 'string', values: measure.values, pass };
    case 'bool': {
      const values = Float64Array.from(measure.values.subarray(0, count));
      return { kind: 'number', values, wide: null, pass };
    }
    case 'vector':
      return { kind: 'string', values: packedTexts(measure, pass, count), pass };
  }
}

/** `pass[i]` is 1 where the filter is true and the measure is not null. */
class PassBuffer {
  #pass = new Uint8Array(0);
  /** The buffer holds ones up to here, and nothing has written to it since. */
  #ones = 0;

  fill(filter: Column | null, measure: Column | null, count: number): Uint8Array {
    if (this.#pass.length < count) {
      this.#pass = new Uint8Array(count);
      this.#ones = 0;
    }
    const pass = this.#pass;
    const measured = measure?.valid ?? null;
    if (filter === null && measured === null) {
      if (this.#ones < count) pass.fill(1, this.#ones, count);
      this.#ones = Math.max(this.#ones, count);
      return pass;
    }
    this.#ones = 0;
    if (filter !== null) keepTrue(filter, pass, count);
    else if (measured !== null) pass.set(measured.subarray(0, count));
    if (filter !== null && measured !== null) {
      for (let i = 0; i < count; i++) pass[i] = (pass[i] as number) & (measured[i] as number);
    }
    return pass;
  }

  /** Somebody else has written to the buffer. */
  forget(): void {
    this.#ones = 0;
  }
}

/** A filter keeps only true; unknown is not true (semantics §2). */
export function keepTrue(filter: Column, pass: Uint8Array, count: number): void {
  assert(filter.kind === 'bool', 'a filter is a truth value');
  const { values, valid } = filter;
  if (valid === null) pass.set(values.subarray(0, count));
  else for (let i = 0; i < count; i++) pass[i] = (values[i] as number) & (valid[i] as number);
}

/** Brings float64 to integers of 10^-scale (semantics §3); what does not fit does not pass. */
class Quantizer {
  #values = new Float64Array(0);
  /** Values of the last batch that would have passed and did not fit. */
  overflow = 0;

  apply(from: Float64Array, scale: number, pass: Uint8Array, count: number): Float64Array {
    if (this.#values.length < count) this.#values = new Float64Array(count);
    const values = this.#values;
    let overflow = 0;
    for (let i = 0; i < count; i++) {
      const value = quantize(from[i] as number, scale);
      if (Number.isNaN(value)) {
        values[i] = 0;
        overflow += pass[i] as number;
        pass[i] = 0;
      } else values[i] = value;
    }
    this.overflow = overflow;
    return values;
  }
}
