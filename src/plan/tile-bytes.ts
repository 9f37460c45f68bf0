import { type EntryShape, hasTexts, setBytesMax, slackOf } from '../aggregate/entry-shape.ts';
import { createKernels, valueForm } from '../aggregate/kernels.ts';
import { SESSION_HEAD } from '../aggregate/session-rows.ts';
import { shapeOf } from '../aggregate/set-kernels.ts';
import type { AccumulatorFn, AccumulatorSpec, TileSpec } from '../aggregate/spec.ts';
import { TILE_HEAD } from '../aggregate/tile-rows.ts';
import { TileSlots } from '../aggregate/tile-slots.ts';
import { PACKED_HEAD } from '../schema/packed-vector.ts';
import type { ValueType } from '../schema/types.ts';

const BYTES_PER_WORD = 8;
/** Magnitudes go up to 2^63. */
const MAGNITUDE_BITS = 64;
const HOLDS_VALUE: readonly AccumulatorFn[] = ['min', 'max', 'first', 'last', 'latest'];

/** Entries of a list that a typical tile holds, if that is less than half of what it can. */
const ENTRIES_TYPICAL = 64;
/** A text of 16 characters. */
const TEXT_BYTES = 32;
/** Of a text that a tile holds: its place in the list of all. */
const TEXT_SLOT_BYTES = 32;

/** Bytes of one tile, with texts of up to 16 characters. */
export interface TileBytes {
  /** Before its lists have entries. */
  readonly empty: number;
  /** With half of the entries that its lists can have, or a few where that is many. */
  readonly typical: number;
  /** With all that they can have. */
  readonly full: number;
}

export function tileBytes(spec: TileSpec): TileBytes {
  const isSession = spec.windows.some((window) => window.kind === 'session');
  const head = isSession ? SESSION_HEAD : TILE_HEAD;
  const kernels = createKernels(spec, new TileSlots(), head);
  const words = kernels.reduce((sum, kernel) => sum + kernel.words, head);
  const empty = words * BYTES_PER_WORD;
  let [typical, full] = [empty, empty];
  for (const accumulator of spec.accumulators) {
    const entries = entryBytes(accumulator, spec);
    typical += entries.typical;
    full += entries.full;
  }
  return { empty, typical, full };
}

/** Bytes of what an accumulator holds beside its words. */
function entryBytes(
  accumulator: AccumulatorSpec,
  spec: TileSpec,
): Pick<TileBytes, 'typical' | 'full'> {
  const { fn, type, size } = accumulator;
  if (size === undefined || (fn === 'latest' && spec.retractable !== true)) {
    const text = HOLDS_VALUE.includes(fn) ? textBytes(type) : 0;
    const bytes = text === 0 ? 0 : TEXT_SLOT_BYTES + text;
    return { typical: bytes, full: bytes };
  }
  const shape = shapeOf(accumulator, valueForm(type), spec.retractable ?? false);
  const most = fn === 'buckets' ? bucketCount(size) : shape.limit;
  const few = Math.min(ENTRIES_TYPICAL, Math.ceil(most / 2));
  const text = textBytes(type);
  return { typical: listBytes(shape, few, text), full: listBytes(shape, most, text) };
}

/** Of one value that is held as a text. */
function textBytes(type: ValueType): number {
  if (type.kind === 'vector') return PACKED_HEAD + type.size * 4;
  return type.kind === 'string' ? TEXT_BYTES : 0;
}

function listBytes(shape: EntryShape, entries: number, text: number): number {
  const texts = hasTexts(shape) ? (entries + slackOf(shape) + 1) * text : 0;
  return setBytesMax(shape, entries) + texts;
}

/** How many buckets there are with so many bits of precision, of both signs. */
function bucketCount(bits: number): number {
  const exact = 2 ** (bits + 1);
  const rounded = (MAGNITUDE_BITS - bits - 1) * 2 ** bits;
  return 2 * (exact + rounded) - 1;
}
