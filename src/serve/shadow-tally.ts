import { LIMITS } from '../base/limits.ts';
import { jsonFeature } from '../schema/json.ts';
import type { FeatureStatus } from '../schema/status.ts';
import {
  type FeatureValue,
  type Scalar,
  sameType,
  typeText,
  type ValueType,
} from '../schema/types.ts';

/** Both versions' answer to one row, at one time and position. */
export interface ShadowPair {
  readonly key: Readonly<Record<string, Scalar>>;
  readonly asOfMs: number;
  readonly commit: number;
  readonly live: ShadowAnswer;
  readonly shadow: ShadowAnswer;
}

export interface ShadowAnswer {
  readonly values: Readonly<Record<string, FeatureValue>>;
  readonly statuses: Readonly<Record<string, FeatureStatus>>;
}

/** A key for which the two versions say different things. */
export interface ShadowExample {
  readonly key: Readonly<Record<string, string>>;
  readonly asOfMs: number;
  readonly commit: number;
  /** As the JSON of an answer has it. */
  readonly live: string;
  readonly shadow: string;
  /** Shadow less live, in the value's own numbers; null where one of them is no number. */
  readonly difference: number | null;
}

/** How one output compares, over all rows so far. */
export interface ShadowFeature {
  readonly name: string;
  /** The types of the two, where they are not one. */
  readonly type: string;
  readonly compared: number;
  readonly differing: number;
  /** Null in one of the two only. */
  readonly nullInLive: number;
  readonly nullInShadow: number;
  /** Equal values under different statuses. */
  readonly statusOnly: number;
  /** Pairs of numbers that differ; over these, of the absolute difference. */
  readonly numbers: number;
  readonly meanDifference: number | null;
  readonly maxDifference: number | null;
  /** The greatest differences first, one a key. */
  readonly examples: readonly ShadowExample[];
}

/** One output, and its type in each of the versions. */
export interface ShadowOutput {
  readonly name: string;
  readonly live: ValueType;
  readonly shadow: ValueType;
}

/** Counts differences of outputs that both versions have; bounded, whatever is added. */
export class ShadowTally {
  rows = 0;
  readonly #features = new Map<string, FeatureTally>();

  constructor(outputs: Iterable<ShadowOutput>) {
    for (const output of outputs) this.#features.set(output.name, new FeatureTally(output));
  }

  /** Goes on from what was counted before. */
  restore(rows: number, features: readonly ShadowFeature[]): void {
    this.rows = rows;
    for (const feature of features) this.#features.get(feature.name)?.restore(feature);
  }

  /** Answers whether anything differs. */
  add(pair: ShadowPair): boolean {
    this.rows += 1;
    let differs = false;
    for (const tally of this.#features.values()) differs = tally.add(pair) || differs;
    return differs;
  }

  /** Lets go of the examples of keys; what was counted stays. */
  forget(isGone: (key: ShadowExample['key']) => boolean): void {
    for (const tally of this.#features.values()) tally.forget(isGone);
  }

  features(): ShadowFeature[] {
    return [...this.#features.values()].map((tally) => tally.report());
  }
}

class FeatureTally {
  readonly #output: ShadowOutput;
  #compared = 0;
  #differing = 0;
  #nullInLive = 0;
  #nullInShadow = 0;
  #statusOnly = 0;
  #numbers = 0;
  #sum = 0;
  #max = 0;
  /** By the key's text. */
  #examples = new Map<string, ShadowExample>();

  constructor(output: ShadowOutput) {
    this.#output = output;
  }

  add({ live, shadow, ...at }: ShadowPair): boolean {
    const { name } = this.#output;
    const [before, after] = [live.values[name] ?? null, shadow.values[name] ?? null];
    this.#compared += 1;
    if (isSame(this.#output, before, after)) {
      if (live.statuses[name] !== shadow.statuses[name]) this.#statusOnly += 1;
      return false;
    }
    this.#differing += 1;
    if (before === null) this.#nullInLive += 1;
    if (after === null) this.#nullInShadow += 1;
    const difference = differenceOf(this.#output, before, after);
    if (difference !== null) {
      this.#numbers += 1;
      this.#sum += Math.abs(difference);
      this.#max = Math.max(this.#max, Math.abs(difference));
    }
    this.#remember({
      ...at,
      key: Object.fromEntries(Object.entries(at.key).map(([key, value]) => [key, String(value)])),
      live: jsonFeature(before, this.#output.live),
      shadow: jsonFeature(after, this.#output.shadow),
      difference,
    });
    return true;
  }

  restore(feature: ShadowFeature): void {
    this.#compared = feature.compared;
    this.#differing = feature.differing;
    this.#nullInLive = feature.nullInLive;
    this.#nullInShadow = feature.nullInShadow;
    this.#statusOnly = feature.statusOnly;
    this.#numbers = feature.numbers;
    this.#sum = (feature.meanDifference ?? 0) * this.#numbers;
    this.#max = feature.maxDifference ?? 0;
    this.#examples = new Map(feature.examples.map((one) => [keyText(one), one]));
  }

  forget(isGone: (key: ShadowExample['key']) => boolean): void {
    for (const [text, { key }] of this.#examples) if (isGone(key)) this.#examples.delete(text);
  }

  report(): ShadowFeature {
    const { name, live, shadow } = this.#output;
    const types = new Set([typeText(live), typeText(shadow)]);
    return {
      name,
      type: [...types].join(' → '),
      compared: this.#compared,
      differing: this.#differing,
      nullInLive: this.#nullInLive,
      nullInShadow: this.#nullInShadow,
      statusOnly: this.#statusOnly,
      numbers: this.#numbers,
      meanDifference: this.#numbers === 0 ? null : this.#sum / this.#numbers,
      maxDifference: this.#numbers === 0 ? null : this.#max,
      examples: [...this.#examples.values()].sort((a, b) => weight(b) - weight(a)),
    };
  }

  #remember(example: ShadowExample): void {
    const text = keyText(example);
    const known = this.#examples.get(text);
    if (known !== undefined && weight(known) >= weight(example)) return;
    this.#examples.set(text, example);
    if (this.#examples.size <= LIMITS.shadowExamples) return;
    let least = text;
    for (const [key, one] of this.#examples) {
      if (weight(one) < weight(this.#examples.get(least) ?? one)) least = key;
    }
    this.#examples.delete(least);
  }
}

/** Those that are no numbers come first: a value that is there or not is the greatest difference. */
function weight({ difference }: ShadowExample): number {
  return difference === null ? Number.POSITIVE_INFINITY : Math.abs(difference);
}

function keyText({ key }: Pick<ShadowExample, 'key'>): string {
  return JSON.stringify(key);
}

/** Units of different scales are different values; of one scale they compare as they are held. */
function isSame(
  { live, shadow }: ShadowOutput,
  before: FeatureValue,
  after: FeatureValue,
): boolean {
  return sameType(live, shadow)
    ? sameValue(before, after)
    : jsonFeature(before, live) === jsonFeature(after, shadow);
}

function differenceOf(
  { live, shadow }: ShadowOutput,
  before: FeatureValue,
  after: FeatureValue,
): number | null {
  const [a, b] = [numberOf(before, live), numberOf(after, shadow)];
  return a === null || b === null ? null : b - a;
}

function numberOf(value: FeatureValue, type: ValueType): number | null {
  if (typeof value !== 'number' && typeof value !== 'bigint') return null;
  return type.kind === 'decimal' ? Number(value) / 10 ** type.scale : Number(value);
}

function sameValue(a: FeatureValue, b: FeatureValue): boolean {
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return a === b;
  return a.length === b.length && a.every((item, at) => sameItem(item, b[at]));
}

function sameItem(a: unknown, b: unknown): boolean {
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return a === b;
  const [one, other] = [a, b] as readonly { value?: unknown; count?: unknown }[];
  return one?.value === other?.value && one?.count === other?.count;
}
