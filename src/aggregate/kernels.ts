import { AssertionFailure, unreachable } from '../base/assert.ts';
import type { ValueType } from '../schema/types.ts';
import { EndKernel, type EndValue } from './ends.ts';
import { ExtremeKernel, type Keep, WideExtremeKernel } from './extremes.ts';
import type { Kernel } from './kernel.ts';
import type { AccumulatorSpec, TileSpec } from './spec.ts';
import { StringExtremeKernel } from './string-extremes.ts';
import type { StringSlots } from './string-slots.ts';
import { CountKernel, SumKernel, SumSquaresKernel } from './sums.ts';

/** Chooses the kernel of each accumulator, once; their words follow the tile's start. */
export function createKernels(
  accumulators: readonly AccumulatorSpec[],
  texts: StringSlots,
): Kernel[] {
  let offset = 1;
  return accumulators.map((accumulator) => {
    const kernel = createKernel(accumulator, offset, texts);
    offset += kernel.words;
    return kernel;
  });
}

function createKernel(spec: AccumulatorSpec, offset: number, texts: StringSlots): Kernel {
  switch (spec.fn) {
    case 'count':
      return new CountKernel(offset);
    case 'sum':
      return new SumKernel(offset);
    case 'sum_squares':
      return new SumSquaresKernel(offset);
    case 'min':
      return createExtreme(spec.type, offset, 'least', texts);
    case 'max':
      return createExtreme(spec.type, offset, 'greatest', texts);
    case 'first':
      return new EndKernel(offset, 'least', valueForm(spec.type), texts);
    case 'last':
      return new EndKernel(offset, 'greatest', valueForm(spec.type), texts);
    default:
      return unreachable(spec.fn);
  }
}

function createExtreme(type: ValueType, offset: number, keep: Keep, texts: StringSlots): Kernel {
  const form = valueForm(type);
  if (form === 'string') return new StringExtremeKernel(offset, keep, texts);
  if (form === 'wide') return new WideExtremeKernel(offset, keep);
  return new ExtremeKernel(offset, keep);
}

/**
 * How a tile holds one value of a type; int64 and decimal may exceed 2^53, and so may a timestamp
 * that was computed.
 */
export function valueForm(type: ValueType): EndValue {
  switch (type.kind) {
    case 'int64':
    case 'decimal':
    case 'timestamp':
      return 'wide';
    case 'float64':
    case 'bool':
      return 'narrow';
    case 'string':
      return 'string';
    case 'vector':
      throw new AssertionFailure('a vector has no order and no sum');
    default:
      return unreachable(type);
  }
}

/** The kernels that each lane feeds, by lane. */
export function kernelsByLane(spec: TileSpec, kernels: readonly Kernel[]): Kernel[][] {
  const lanes = Math.max(0, ...spec.accumulators.map(({ lane }) => lane + 1));
  return Array.from({ length: lanes }, (_, lane) =>
    kernels.filter((_kernel, k) => spec.accumulators[k]?.lane === lane),
  );
}
