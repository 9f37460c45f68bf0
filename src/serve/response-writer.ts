import type { Deprecation } from '../registry/serving-states.ts';
import { jsonFeature, jsonScalar } from '../schema/json.ts';
import type { FeatureValue, Scalar, ValueType } from '../schema/types.ts';
import type { ViewFreshness } from './answer.ts';
import type { CachedAnswer } from './answer-cache.ts';
import type { AnswerRow } from './answer-sink.ts';
import type { ReadPlan } from './read-plan.ts';

/**
 * Writes the JSON text of answers without building objects, in ASCII: such text has one byte a
 * character and reaches the socket without being encoded. Everything that does not depend on
 * the values (names, quotes, views) is text made once, and patterns of statuses are kept.
 */
export class ResponseWriter {
  readonly #plan: ReadPlan;
  readonly #keyPrefixes: readonly string[];
  readonly #valuePrefixes: readonly string[];
  readonly #writers: readonly ValueWriter[];
  /** 1 where a number's JSON text is its own text. */
  readonly #isPlain: Uint8Array;
  readonly #slots: Int32Array;
  readonly #runs: readonly Run[];
  readonly #opening: string;
  readonly #versions: string;
  readonly #freshnessPrefixes: readonly string[];
  /** The opening written last: many requests of one millisecond have the same. */
  #opened = '';
  #openedMs = Number.NaN;
  #openedCommit = -1;

  constructor(plan: ReadPlan, deprecation: Deprecation | null = null) {
    this.#plan = plan;
    const { service, outputs, views } = plan;
    this.#keyPrefixes = service.joinKeys.map(({ name }, i) => prefix(name, i));
    this.#valuePrefixes = outputs.map(({ name }, i) => prefix(name, i));
    this.#writers = outputs.map(({ type }) => compileText(type));
    this.#isPlain = Uint8Array.from(outputs, ({ type }) =>
      type.kind === 'int64' || type.kind === 'float64' ? 1 : 0,
    );
    this.#slots = Int32Array.from(outputs, (output) => output.slot);
    this.#runs = runsOf(plan);
    const warning =
      deprecation === null ? '' : `,"deprecated":${asciiText(JSON.stringify(deprecation))}`;
    const title = `"service":${JSON.stringify(service.name)},"version":${service.version}`;
    this.#opening = `{${title}${warning}`;
    const versions = views.map((view, i) => `${prefix(view.label, i)}${view.version}`);
    this.#versions = `{${versions.join('')}}`;
    this.#freshnessPrefixes = views.map((view, i) => prefix(view.label, i));
  }

  /** Everything up to the rows. Time and position decide the freshness too. */
  opening(asOfMs: number, commit: number, freshness: () => readonly ViewFreshness[]): string {
    if (asOfMs !== this.#openedMs || commit !== this.#openedCommit) {
      this.#opened = this.#open(asOfMs, commit, freshness());
      this.#openedMs = asOfMs;
      this.#openedCommit = commit;
    }
    return this.#opened;
  }

  #open(asOfMs: number, commit: number, freshness: readonly ViewFreshness[]): string {
    let text = `${this.#opening},"asOfMs":${asOfMs},"position":{"commit":${commit}}`;
    text += `,"versions":${this.#versions},"freshness":{`;
    for (let i = 0; i < freshness.length; i++) {
      const view = freshness[i] as ViewFreshness;
      text += `${this.#freshnessPrefixes[i]}{"newestArrivalMs":${view.newestArrivalMs}`;
      text += `,"stalenessMs":${view.stalenessMs},"objectiveMs":${view.objectiveMs}`;
      text += `,"stale":${view.stale}}`;
    }
    return `${text}},"rows":[`;
  }

  row({ given, values, answers, pattern }: AnswerRow): string {
    const { joinKeys } = this.#plan.service;
    let text = '{"key":{';
    for (let i = 0; i < joinKeys.length; i++) {
      const joinKey = joinKeys[i] as (typeof joinKeys)[number];
      text += this.#keyPrefixes[i] + asciiText(jsonScalar(given[i] as Scalar, joinKey.type));
    }
    text += '},"values":{';
    for (let r = 0; r < this.#runs.length; r++) {
      const run = this.#runs[r] as Run;
      if (run.entity < 0) {
        text += this.#valuesText(run, values);
        continue;
      }
      const { fragments } = answers[run.entity] as CachedAnswer;
      const known = fragments[r];
      if (known !== undefined) text += known;
      else {
        // One flat string, as it is put into many answers.
        const made = Buffer.from(this.#valuesText(run, values), 'latin1').toString('latin1');
        fragments[r] = made;
        text += made;
      }
    }
    return `${text}},"statuses":${pattern.text}}`;
  }

  #valuesText({ from, to }: Run, values: readonly FeatureValue[]): string {
    let text = '';
    for (let i = from; i < to; i++) {
      const value = values[this.#slots[i] as number] as FeatureValue;
      text += this.#valuePrefixes[i] as string;
      if (value === null) text += 'null';
      else if (this.#isPlain[i] === 0 || typeof value !== 'number') {
        text += (this.#writers[i] as ValueWriter)(value);
      } else if (value >>> 0 === value && value < SMALL.length) text += SMALL[value] as string;
      else if (value < SAFE && value > -SAFE) text += value;
      else text += (this.#writers[i] as ValueWriter)(value);
    }
    return text;
  }
}

/** Outputs next to each other that come from one entity, or are computed for each row. */
interface Run {
  /** -1 of on-demand features. */
  readonly entity: number;
  readonly from: number;
  readonly to: number;
}

function runsOf({ outputs, entities }: ReadPlan): Run[] {
  const runs: Run[] = [];
  for (const [at, { slot }] of outputs.entries()) {
    const entity = entities.findIndex((one) => slot >= one.fromSlot && slot < one.toSlot);
    const last = runs.at(-1);
    if (last?.entity === entity) runs[runs.length - 1] = { ...last, to: at + 1 };
    else runs.push({ entity, from: at, to: at + 1 });
  }
  return runs;
}

type ValueWriter = (value: FeatureValue) => string;

/** Most counts are small: their text is made once. */
const SMALL: readonly string[] = Array.from({ length: 1024 }, (_, value) => String(value));

const SAFE = Number.MAX_SAFE_INTEGER;

function compileText(type: ValueType): ValueWriter {
  const items = type.kind === 'list' || type.kind === 'counts' ? type.of : type;
  return items.kind === 'string'
    ? (value) => asciiText(jsonFeature(value, type))
    : (value) => jsonFeature(value, type);
}

const BEYOND_ASCII = /[\u0080-\uffff]/;
const EACH_BEYOND_ASCII = /[\u0080-\uffff]/g;

/** JSON text with every character beyond ASCII as its escape. */
export function asciiText(json: string): string {
  if (!BEYOND_ASCII.test(json)) return json;
  return json.replace(
    EACH_BEYOND_ASCII,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** A name as the key of an object's member, behind a comma but for the first. */
export function prefix(name: string, index: number): string {
  return `${index === 0 ? '' : ','}${JSON.stringify(name)}:`;
}
