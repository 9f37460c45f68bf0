import { setBytesMax } from '../aggregate/entry-shape.ts';
import { createKernels, valueForm } from '../aggregate/kernels.ts';
import { SESSION_HEAD } from '../aggregate/session-rows.ts';
import { shapeOf } from '../aggregate/set-kernels.ts';
import type { AccumulatorSpec, TileSpec } from '../aggregate/spec.ts';
import { TILE_HEAD } from '../aggregate/tile-rows.ts';
import { TileSlots } from '../aggregate/tile-slots.ts';

const BYTES_PER_WORD = 8;
/** Magnitudes go up to 2^63. */
const MAGNITUDE_BITS = 64;

/** Bytes of one tile: before its lists have entries, and with all that they can have. */
export function tileBytes(spec: TileSpec): { readonly empty: number; readonly full: number } {
  const isSession = spec.windows.some((window) => window.kind === 'session');
  const head = isSession ? SESSION_HEAD : TILE_HEAD;
  const kernels = createKernels(spec, new TileSlots(), head);
  const words = kernels.reduce((sum, kernel) => sum + kernel.words, head);
  const empty = words * BYTES_PER_WORD;
  const full = spec.accumulators.reduce((sum, one) => sum + entryBytes(one, spec), empty);
  return { empty, full };
}

/** Bytes of all entries that an accumulator can hold; 0 where it holds none. */
function entryBytes(accumulator: AccumulatorSpec, spec: TileSpec): number {
  const { fn, type, size } = accumulator;
  if (size === undefined) return 0;
  const shape = shapeOf(accumulator, valueForm(type), spec.retractable ?? false);
  return fn === 'buckets' ? setBytesMax(shape, bucketCount(size)) : setBytesMax(shape);
}

/** How many buckets there are with so many bits of precision, of both signs. */
function bucketCount(bits: number): number {
  const exact = 2 ** (bits + 1);
  const rounded = (MAGNITUDE_BITS - bits - 1) * 2 ** bits;
  return 2 * (exact + rounded) - 1;
}
