import { present } from '../base/assert.ts';
import { unpackVector } from '../schema/packed-vector.ts';
import { canonicalInteger, type Scalar, type Single } from '../schema/types.ts';
import type { EntrySet } from './entry-set.ts';
import { type EndValue, type EntryShape, strideOf, valueAtOf } from './entry-shape.ts';
import { bigOf } from './exact.ts';
import type { FinishSpec } from './finish-spec.ts';
import { valueForm } from './kernels.ts';
import { shapeOf } from './set-kernels.ts';
import { NO_SET } from './set-slots.ts';
import type { AccumulatorSpec } from './spec.ts';
import type { WindowPartials } from './window-table.ts';

/** What finishing needs of the sets of one accumulator. */
export interface EntryView {
  readonly spec: AccumulatorSpec;
  readonly shape: EntryShape;
  readonly form: EndValue;
  readonly stride: number;
  /** Where the value stands in an entry: it is the key, or comes after it. */
  readonly valueAt: number;
  /** What the table's last query has found, settled; null where nothing. */
  readonly set: () => EntrySet | null;
}

export function entryView(feature: FinishSpec, table: WindowPartials): EntryView {
  const accumulator = present(feature.parts.value, `${feature.fn} has a part 'value'`);
  const spec = present(table.spec.accumulators[accumulator], 'the accumulator exists');
  const form = valueForm(spec.type);
  const shape = shapeOf(spec, form, table.spec.retractable ?? false);
  const valueAt = shape.value === 'none' ? 0 : valueAtOf(shape);
  const at = table.partialAt(feature.window, accumulator);
  const set = (): EntrySet | null => {
    table.fold(accumulator);
    const slot = table.partials[at] as number;
    return slot === NO_SET ? null : table.slots.sets.get(slot);
  };
  return { spec, shape, form, stride: strideOf(shape), valueAt, set };
}

/** The last word of an entry: its weight, or whether it is taken back. */
export function markOf(set: EntrySet, { stride }: EntryView, i: number): number {
  return set.words[i * stride + stride - 1] as number;
}

export function isLive(set: EntrySet, view: EntryView, i: number): boolean {
  if (view.shape.mark === 'none') return true;
  const mark = markOf(set, view, i);
  return view.shape.mark === 'weight' ? mark > 0 : mark === 0;
}

/** The value of an entry whose accumulator may hold vectors. */
export function singleAt(set: EntrySet, view: EntryView, i: number): Single {
  const { type } = view.spec;
  if (type.kind !== 'vector') return scalarAt(set, view, i);
  return unpackVector((set.texts as string[])[i] as string);
}

export function scalarAt(set: EntrySet, view: EntryView, i: number): Scalar {
  if (view.form === 'string') return (set.texts as string[])[i] as string;
  const at = i * view.stride + view.valueAt;
  const head = set.words[at] as number;
  if (view.form === 'narrow') return view.spec.type.kind === 'bool' ? head !== 0 : head;
  const tail = set.words[at + 1] as number;
  return head === 0 ? tail : canonicalInteger(bigOf(head, tail));
}
