import { AssertionFailure, present } from '../base/assert.ts';
import {
  BucketReader,
  type EntryReader,
  EventReader,
  HashReader,
  RowReader,
  ValueReader,
} from './entry-readers.ts';
import type { EndValue, EntryKey, EntryShape } from './entry-shape.ts';
import { SetKernel } from './set-kernel.ts';
import type { AccumulatorSpec } from './spec.ts';
import type { TileSlots } from './tile-slots.ts';

/** The kernel of an accumulator of several entries; `form` is how a value of its lane is held. */
export function createSetKernel(
  spec: AccumulatorSpec,
  form: EndValue,
  offset: number,
  slots: TileSlots,
  retractable: boolean,
): SetKernel {
  const shape = shapeOf(spec, form, retractable);
  return new SetKernel(offset, shape, readerOf(spec, form), slots);
}

/** What an accumulator keeps, and in which order (semantics §3). */
export function shapeOf(spec: AccumulatorSpec, form: EndValue, retractable: boolean): EntryShape {
  const size = present(spec.size, `${spec.fn} has a size`);
  const plain = { beside: [], dropsZero: false } as const;
  const ofValues = { ...plain, key: keyOf(form), value: 'none', mark: 'weight' } as const;
  const mark = retractable ? 'taken' : 'none';
  const ofEvents = { ...plain, key: 'event', value: form, mark } as const;
  switch (spec.fn) {
    case 'distinct': {
      const counted = retractable ? 'weight' : 'none';
      return { ...ofValues, key: 'integer', mark: counted, keeps: 'least', limit: size };
    }
    case 'buckets':
      return {
        ...ofValues,
        key: 'integer',
        keeps: 'all',
        limit: Number.POSITIVE_INFINITY,
        dropsZero: true,
      };
    case 'value_counts':
      return { ...ofValues, keeps: 'all', limit: size };
    case 'least':
      return { ...ofValues, keeps: 'least', limit: size };
    case 'greatest':
      return { ...ofValues, keeps: 'greatest', limit: size };
    case 'newest':
      return { ...ofEvents, keeps: 'greatest', limit: size };
    case 'oldest':
      return { ...ofEvents, keeps: 'least', limit: size };
    case 'latest': {
      const ofRows = { ...ofEvents, keeps: 'greatest', limit: size } as const;
      // What takes a row back tells its place, and not when it arrived. Where none can, the one row
      // is held by `LatestKernel`, and this is how files list it.
      return retractable
        ? { ...ofRows, beside: ['arrival', 'exists'] }
        : { ...ofRows, key: 'row', beside: ['exists'] };
    }
    default:
      throw new AssertionFailure(`${spec.fn} holds no entries`);
  }
}

function keyOf(form: EndValue): EntryKey {
  if (form === 'string') return 'text';
  return form === 'wide' ? 'wide' : 'number';
}

function readerOf(spec: AccumulatorSpec, form: EndValue): EntryReader {
  if (spec.fn === 'distinct') return new HashReader(form, spec.type.kind === 'bool');
  if (spec.fn === 'buckets') return new BucketReader(spec.size ?? 0);
  if (spec.fn === 'newest' || spec.fn === 'oldest') return new EventReader(form);
  if (spec.fn === 'latest') return new RowReader(form);
  return new ValueReader(form, 0);
}
