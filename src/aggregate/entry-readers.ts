import { bucketOf, bucketOfWide } from './buckets.ts';
import type { Entries } from './entries.ts';
import type { EndValue } from './entry-shape.ts';
import { KEY_WORDS, VALUE_WORDS } from './entry-shape.ts';
import { bigOf } from './exact.ts';
import { HashMemo, hash52 } from './hash52.ts';
import type { EventOrder, PreparedLane } from './kernel.ts';

/** Brings event i of a lane into the probe of its entries, all but the mark. */
export interface EntryReader {
  read(entries: Entries, lane: PreparedLane, i: number, order: EventOrder): void;
}

/** The hash of a value's canonical text (semantics §3). */
export class HashReader implements EntryReader {
  readonly #isText: boolean;
  readonly #isBool: boolean;
  readonly #texts = new HashMemo<string>();
  readonly #numbers = new HashMemo<number>();

  constructor(form: EndValue, isBool: boolean) {
    this.#isText = form === 'string';
    this.#isBool = isBool;
  }

  read({ probe }: Entries, lane: PreparedLane, i: number): void {
    if (this.#isText) {
      probe[0] = this.#texts.of(lane.texts[i] as string);
      return;
    }
    const low = lane.lows[i] as number;
    const high = lane.highs === null ? 0 : (lane.highs[i] as number);
    if (this.#isBool) probe[0] = this.#texts.of(low === 0 ? 'false' : 'true');
    else if (high === 0) probe[0] = this.#numbers.of(low);
    else probe[0] = hash52(bigOf(high, low).toString());
  }
}

export class BucketReader implements EntryReader {
  readonly #bits: number;

  constructor(bits: number) {
    this.#bits = bits;
  }

  read({ probe }: Entries, { lows, highs }: PreparedLane, i: number): void {
    const low = lows[i] as number;
    probe[0] =
      highs === null
        ? bucketOf(low, this.#bits)
        : bucketOfWide(highs[i] as number, low, this.#bits);
  }
}

/** A value that is the key of its entry, or stands behind the key. */
export class ValueReader implements EntryReader {
  readonly #form: EndValue;
  readonly #at: number;

  constructor(form: EndValue, at: number) {
    this.#form = form;
    this.#at = at;
  }

  read(entries: Entries, { lows, highs, texts }: PreparedLane, i: number): void {
    const { probe } = entries;
    if (this.#form === 'string') entries.probeText = texts[i] as string;
    else if (this.#form === 'narrow') probe[this.#at] = lows[i] as number;
    else {
      probe[this.#at] = highs === null ? 0 : (highs[i] as number);
      probe[this.#at + 1] = lows[i] as number;
    }
  }
}

/** An event's place in the total order, and its value; of a retraction, those it takes back. */
export class EventReader implements EntryReader {
  readonly #value: ValueReader;

  constructor(form: EndValue) {
    this.#value = new ValueReader(form, KEY_WORDS.event);
  }

  read(entries: Entries, lane: PreparedLane, i: number, order: EventOrder): void {
    const { probe } = entries;
    const retractions = order.retractions ?? null;
    probe[0] = order.eventTimeMs[i] as number;
    probe[1] = retractions === null ? order.partition : (retractions.partitions[i] as number);
    probe[2] = retractions === null ? order.firstOffset + i : (retractions.offsets[i] as number);
    this.#value.read(entries, lane, i);
  }
}

/**
 * A row of an attribute that can be taken back, with a value that may be null. What takes it back
 * tells its place, and not when it arrived.
 */
export class RowReader implements EntryReader {
  readonly #value: ValueReader;
  readonly #valueWords: number;

  constructor(form: EndValue) {
    this.#value = new ValueReader(form, ROW_VALUE);
    this.#valueWords = VALUE_WORDS[form];
  }

  read(entries: Entries, lane: PreparedLane, i: number, order: EventOrder): void {
    const { probe } = entries;
    const { retractions = null, partition, firstOffset } = order;
    const takes = retractions !== null && (retractions.weights[i] as number) < 0;
    probe[0] = order.eventTimeMs[i] as number;
    probe[1] = takes ? (retractions.partitions[i] as number) : partition;
    probe[2] = takes ? (retractions.offsets[i] as number) : firstOffset + i;
    probe[ROW_ARRIVAL] = takes ? -1 : (order.arrivalTimeMs[i] as number);
    const exists = lane.valid === null || lane.valid[i] !== 0;
    probe[ROW_EXISTS] = exists ? 1 : 0;
    if (exists) this.#value.read(entries, lane, i);
    else {
      probe.fill(0, ROW_VALUE, ROW_VALUE + this.#valueWords);
      entries.probeText = '';
    }
  }
}

/** Behind the key, in the order of `beside`; then the value. */
const ROW_ARRIVAL = KEY_WORDS.event;
const ROW_EXISTS = ROW_ARRIVAL + 1;
const ROW_VALUE = ROW_EXISTS + 1;
