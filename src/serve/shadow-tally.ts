import { LIMITS } from '../base/limits.ts';
import type { FeatureStatus } from '../schema/status.ts';
import type { FeatureValue, Scalar } from '../schema/types.ts';

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
  readonly key: Readonly<Record<string, Scalar>>;
  readonly asOfMs: number;
  readonly commit: number;
  readonly live: FeatureValue;
  readonly shadow: FeatureValue;
  /** Shadow less live; null where one of them is no number. */
  readonly difference: number | null;
}

/** How one output compares, over all rows so far. */
export interface ShadowFeature {
  readonly name: string;
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

/** Counts differences of outputs that both versions have; bounded, whatever is added. */
export class ShadowTally {
  rows = 0;
  readonly #features = new Map<string, FeatureTally>();

  constructor(outputs: Iterable<string>) {
    for (const name of outputs) this.#features.set(name, new FeatureTally());
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
    for (const [name, tally] of this.#features) differs = tally.add(name, pair) || differs;
    return differs;
  }

  features(): ShadowFeature[] {
    return [...this.#features].map(([name, tally]) => tally.report(name));
  }
}

class FeatureTally {
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

  add(name: string, { live, shadow, ...at }: ShadowPair): boolean {
    const [before, after] = [live.values[name] ?? null, shadow.values[name] ?? null];
    this.#compared += 1;
    if (sameValue(before, after)) {
      if (live.statuses[name] !== shadow.statuses[name]) this.#statusOnly += 1;
      return false;
    }
    this.#differing += 1;
    if (before === null) this.#nullInLive += 1;
    if (after === null) this.#nullInShadow += 1;
    const difference = differenceOf(before, after);
    if (difference !== null) {
      this.#numbers += 1;
      this.#sum += Math.abs(difference);
      this.#max = Math.max(this.#max, Math.abs(difference));
    }
    this.#remember({ ...at, live: before, shadow: after, difference });
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

  report(name: string): ShadowFeature {
    return {
      name,
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
  return JSON.stringify(Object.entries(key).map(([name, value]) => [name, String(value)]));
}

function differenceOf(live: FeatureValue, shadow: FeatureValue): number | null {
  const isNumber = (value: FeatureValue): value is number | bigint =>
    typeof value === 'number' || typeof value === 'bigint';
  return isNumber(live) && isNumber(shadow) ? Number(shadow) - Number(live) : null;
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
