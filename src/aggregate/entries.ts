import { compareUtf8 } from '../base/utf8-order.ts';
import { EntrySet } from './entry-set.ts';
import {
  arrivalAtOf,
  type EntryShape,
  hasTexts,
  KEY_WORDS,
  slackOf,
  strideOf,
} from './entry-shape.ts';
import { compareWords, copyWords, joinMarks } from './entry-words.ts';
import { loseRow, loseRows } from './lost-rows.ts';
import type { SetSlots } from './set-slots.ts';

const INITIAL_ENTRIES = 4;
/** So few entries, or so small a part, are put in one by one; more are merged in one pass. */
const FEW = 2;
const SMALL_PART = 4;

/**
 * The work on entry sets of one shape. A set is a commutative monoid: what it keeps depends only on
 * the entries that ever came, never on their order or on how they were split (semantics §4).
 */
export class Entries {
  readonly shape: EntryShape;
  readonly stride: number;
  /** The entry to be offered next. */
  readonly probe: Float64Array;
  probeText = '';
  readonly #slots: SetSlots;
  readonly #keyWords: number;
  readonly #byText: boolean;
  readonly #limit: number;
  /** Of those that keep the greatest: entries beyond the limit, so that few are moved. */
  readonly #slack: number;
  /** Where an entry's arrival stands, or -1: only then is it told what is not kept. */
  readonly arrivalAt: number;
  #merged = new Float64Array(0);

  constructor(shape: EntryShape, slots: SetSlots) {
    this.shape = shape;
    this.stride = strideOf(shape);
    this.probe = new Float64Array(this.stride);
    this.#slots = slots;
    this.#keyWords = KEY_WORDS[shape.key];
    this.#byText = shape.key === 'text';
    this.#limit = shape.limit;
    this.#slack = slackOf(shape);
    this.arrivalAt = arrivalAtOf(shape);
  }

  create(): EntrySet {
    const set = new EntrySet(hasTexts(this.shape));
    this.#slots.bytes += set.bytes;
    return set;
  }

  /** Adds the probe, or joins it with the entry of its key. */
  offer(set: EntrySet): void {
    const { keeps } = this.shape;
    const { count } = set;
    if (count === 0) {
      if (keeps !== 'all' || !set.more) this.#insert(set, 0);
      return;
    }
    const last = this.#compare(set, count - 1);
    if (last === 0) {
      this.#join(set, count - 1, this.probe, 0);
      return;
    }
    if (last < 0) {
      this.#insert(set, count);
      return;
    }
    const index = this.#lowerBound(set, count - 1);
    if (this.#compare(set, index) === 0) this.#join(set, index, this.probe, 0);
    // What comes before all that are kept is not kept.
    else if (keeps === 'greatest' && index <= count - this.#limit) {
      set.more = true;
      loseRows(this, set, this.probe, 1);
    } else this.#insert(set, index);
  }

  /** Less than 0 where the entry comes before the probe. */
  #compare(set: EntrySet, index: number): number {
    if (this.#byText) return compareUtf8((set.texts as string[])[index] as string, this.probeText);
    return compareWords(set.words, index * this.stride, this.probe, 0, this.#keyWords);
  }

  #lowerBound(set: EntrySet, limit: number): number {
    let low = 0;
    let high = limit;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#compare(set, middle) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Brings the mark of an entry together with that of another one of its key. */
  #join(set: EntrySet, index: number, words: Float64Array, from: number): void {
    joinMarks(this.shape, set.words, index * this.stride, words, from, this.stride);
  }

  #insert(set: EntrySet, index: number): void {
    const { stride, shape } = this;
    if (shape.keeps !== 'greatest' && set.count === this.#limit) {
      set.more = true;
      if (shape.keeps === 'all') {
        this.#overflow(set);
        return;
      }
      if (index === this.#limit) return;
      this.#keepFirst(set, this.#limit - 1);
    }
    const { count } = set;
    this.#ensure(set, count + 1);
    const { words } = set;
    const at = index * stride;
    if (index < count) words.copyWithin(at + stride, at, count * stride);
    copyWords(this.probe, 0, words, at, stride);
    if (set.texts !== null) {
      if (index === count) set.texts.push(this.probeText);
      else set.texts.splice(index, 0, this.probeText);
      this.#addTextBytes(set, this.probeText.length * 2);
    }
    set.count = count + 1;
    if (shape.keeps === 'greatest' && set.count > this.#limit + this.#slack) this.#trim(set);
  }

  #ensure(set: EntrySet, count: number): void {
    const { stride } = this;
    if (count * stride <= set.words.length) return;
    const most = this.#limit + this.#slack + 1;
    // An attribute has few rows, and a key has many attributes.
    const initial = this.arrivalAt < 0 ? INITIAL_ENTRIES : 1;
    const capacity = Math.max(count, Math.min(most, Math.max(initial, set.count * 2)));
    const grown = new Float64Array(capacity * stride);
    grown.set(set.words.subarray(0, set.count * stride));
    this.#slots.bytes += (grown.length - set.words.length) * 8;
    set.words = grown;
  }

  #addTextBytes(set: EntrySet, bytes: number): void {
    set.textBytes += bytes;
    this.#slots.bytes += bytes;
  }

  #keepFirst(set: EntrySet, count: number): void {
    set.count = count;
    if (set.texts === null) return;
    if (count > 0) this.#dropTexts(set, count, set.texts.length - count);
    else {
      set.texts.length = 0;
      this.#addTextBytes(set, -set.textBytes);
    }
  }

  /** Too many for one that keeps all: only that is kept. */
  #overflow(set: EntrySet): void {
    this.#keepFirst(set, 0);
    this.#slots.bytes -= set.words.length * 8;
    set.words = new Float64Array(0);
    set.more = true;
  }

  #dropTexts(set: EntrySet, from: number, count: number): void {
    const dropped = (set.texts as string[]).splice(from, count);
    this.#addTextBytes(set, -2 * dropped.reduce((sum, text) => sum + text.length, 0));
  }

  /** Of those that keep the greatest: drops what is beyond the limit. */
  #trim(set: EntrySet): void {
    const excess = set.count - this.#limit;
    if (excess <= 0) return;
    loseRows(this, set, set.words, excess);
    set.words.copyWithin(0, excess * this.stride, set.count * this.stride);
    if (set.texts !== null) this.#dropTexts(set, 0, excess);
    set.count = this.#limit;
    set.more = true;
  }

  /** Brings a set into the one form of its contents: `count` entries, all of which are kept. */
  settle(set: EntrySet): void {
    if (this.shape.keeps === 'greatest') this.#trim(set);
    if (!this.shape.dropsZero) return;
    const { stride } = this;
    const { words, count } = set;
    let kept = 0;
    for (let i = 0; i < count; i++) {
      if (words[i * stride + stride - 1] === 0) continue;
      if (kept < i) words.copyWithin(kept * stride, i * stride, (i + 1) * stride);
      kept++;
    }
    set.count = kept;
  }

  /** Makes `set` a copy of `from`, which may be a set of another table. */
  copy(set: EntrySet, from: EntrySet): void {
    this.#keepFirst(set, 0);
    this.#ensure(set, from.count);
    set.words.set(from.words.subarray(0, from.count * this.stride));
    this.#putTexts(set, from.texts);
    set.count = from.count;
    set.more = from.more;
    set.lostMs = from.lostMs;
    set.lostArrivalMs = from.lostArrivalMs;
  }

  #putTexts(set: EntrySet, texts: readonly string[] | null): void {
    if (set.texts === null || texts === null) return;
    for (const text of texts) {
      set.texts.push(text);
      this.#addTextBytes(set, text.length * 2);
    }
  }

  /** Puts all of another set in. */
  merge(set: EntrySet, from: EntrySet): void {
    const { keeps } = this.shape;
    loseRow(set, from.lostMs, from.lostArrivalMs);
    if (keeps === 'all' && (set.more || from.more)) {
      this.#overflow(set);
      return;
    }
    if (this.#comesTooLate(set, from)) {
      set.more = true;
      loseRows(this, set, from.words, from.count);
      return;
    }
    if (from.count <= FEW || from.count * SMALL_PART < set.count) {
      for (let i = 0; i < from.count; i++) {
        copyWords(from.words, i * this.stride, this.probe, 0, this.stride);
        this.probeText = from.texts?.[i] ?? '';
        this.offer(set);
      }
    } else this.#mergeSorted(set, from);
    if (from.more) set.more = true;
  }

  /** Whether a full set keeps none of another's entries. */
  #comesTooLate(set: EntrySet, from: EntrySet): boolean {
    const { keeps } = this.shape;
    if (keeps === 'all' || from.count === 0 || set.count < this.#limit) return false;
    if (keeps === 'least') return this.#order(from, 0, set, set.count - 1) > 0;
    return this.#order(from, from.count - 1, set, set.count - this.#limit) < 0;
  }

  #mergeSorted(set: EntrySet, from: EntrySet): void {
    const { stride, shape } = this;
    const most = shape.keeps === 'least' ? this.#limit : Number.POSITIVE_INFINITY;
    const texts: string[] | null = set.texts === null ? null : [];
    const size = (set.count + from.count) * stride;
    if (this.#merged.length < size) this.#merged = new Float64Array(size);
    const merged = this.#merged;
    let i = 0;
    let j = 0;
    let count = 0;
    while ((i < set.count || j < from.count) && count < most) {
      const order = i === set.count ? 1 : j === from.count ? -1 : this.#order(set, i, from, j);
      const source = order <= 0 ? set : from;
      const index = order <= 0 ? i : j;
      const at = count * stride;
      copyWords(source.words, index * stride, merged, at, stride);
      if (order === 0) joinMarks(shape, merged, at, from.words, j * stride, stride);
      texts?.push(source.texts?.[index] as string);
      if (order <= 0) i++;
      if (order >= 0) j++;
      count++;
    }
    if (i < set.count || j < from.count) set.more = true;
    this.#replace(set, merged, texts, count);
  }

  #order(a: EntrySet, i: number, b: EntrySet, j: number): number {
    if (this.#byText) {
      return compareUtf8((a.texts as string[])[i] as string, (b.texts as string[])[j] as string);
    }
    return compareWords(a.words, i * this.stride, b.words, j * this.stride, this.#keyWords);
  }

  #replace(
    set: EntrySet,
    words: Float64Array,
    texts: readonly string[] | null,
    count: number,
  ): void {
    this.#keepFirst(set, 0);
    if (this.shape.keeps === 'all' && count > this.#limit) {
      this.#overflow(set);
      return;
    }
    this.#ensure(set, count);
    set.words.set(words.subarray(0, count * this.stride));
    this.#putTexts(set, texts);
    set.count = count;
    if (count > this.#limit) this.#trim(set);
  }
}
