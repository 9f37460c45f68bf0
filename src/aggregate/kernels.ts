import { AssertionFailure, assert, unreachable } from '../base/assert.ts';
import type { ValueType } from '../schema/types.ts';
import { EndKernel } from './ends.ts';
import type { EndValue } from './entry-shape.ts';
import { ExtremeKernel, type Keep, WideExtremeKernel } from './extremes.ts';
import type { Kernel } from './kernel.ts';
import { LatestKernel } from './latest-kernel.ts';
import { createSetKernel } from './set-kernels.ts';
import { SignedCountKernel, SignedSumKernel, SignedSumSquaresKernel } from './signed-sums.ts';
import type { AccumulatorSpec, TileSpec } from './spec.ts';
import { StringExtremeKernel } from './string-extremes.ts';
import type { StringSlots } from './string-slots.ts';
import { CountKernel, SumKernel, SumSquaresKernel } from './sums.ts';
import { TILE_HEAD } from './tile-rows.ts';
import type { TileSlots } from './tile-slots.ts';

/** Chooses the kernel of each accumulator, once; their words follow the head of a tile. */
export function createKernels(
  spec: Pick<TileSpec, 'accumulators' | 'retractable'>,
  slots: TileSlots,
  headWords: number = TILE_HEAD,
): Kernel[] {
  let offset = headWords;
  return spec.accumulators.map((accumulator) => {
    const kernel = createKernel(accumulator, offset, slots, spec.retractable ?? false);
    offset += kernel.words;
    return kernel;
  });
}

function createKernel(
  spec: AccumulatorSpec,
  offset: number,
  slots: TileSlots,
  retractable: boolean,
): Kernel {
  switch (spec.fn) {
    case 'count':
      return retractable ? new SignedCountKernel(offset) : new CountKernel(offset);
    case 'sum':
      return retractable ? new SignedSumKernel(offset) : new SumKernel(offset);
    case 'sum_squares':
      return retractable ? new SignedSumSquaresKernel(offset) : new SumSquaresKernel(offset);
    case 'min':
    case 'max':
    case 'first':
    case 'last':
      assert(!retractable, `${spec.fn} forgets what it would have to give back`);
      return createEnd(spec, offset, slots.texts);
    case 'distinct':
    case 'buckets':
    case 'value_counts':
    case 'newest':
    case 'oldest':
    case 'least':
    case 'greatest':
      return createSetKernel(spec, valueForm(spec.type), offset, slots, retractable);
    case 'latest':
      return retractable
        ? createSetKernel(spec, valueForm(spec.type), offset, slots, retractable)
        : new LatestKernel(offset, valueForm(spec.type), slots.texts);
    default:
      return unreachable(spec.fn);
  }
}

function createEnd(spec: AccumulatorSpec, offset: number, texts: StringSlots): Kernel {
  if (spec.fn === 'min') return createExtreme(spec.type, offset, 'least', texts);
  if (spec.fn === 'max') return createExtreme(spec.type, offset, 'greatest', texts);
  const keep = spec.fn === 'first' ? 'least' : 'greatest';
  return new EndKernel(offset, keep, valueForm(spec.type), texts);
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
      // Packed: see `VectorPacker`.
      return 'string';
    case 'list':
    case 'counts':
      throw new AssertionFailure(`a ${type.kind} has no order and no sum`);
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
