import { jsonScalar } from '../schema/json.ts';
import type { Scalar, ValueType } from '../schema/types.ts';
import type { ViewFreshness } from './answer.ts';
import type { ReadPlan } from './read-plan.ts';
import type { RowReader } from './row-reader.ts';
import { StatusTexts } from './status-texts.ts';

/**
 * Writes the JSON text of answers without building objects. Everything that does not depend on
 * the values (names, quotes, views) is text made once, and patterns of statuses are kept.
 */
export class ResponseWriter {
  readonly #plan: ReadPlan;
  readonly #keyPrefixes: readonly string[];
  readonly #valuePrefixes: readonly string[];
  readonly #writers: readonly ValueWriter[];
  readonly #slots: Int32Array;
  readonly #statusTexts: StatusTexts;
  readonly #opening: string;
  readonly #versions: string;
  readonly #freshnessPrefixes: readonly string[];
  /** Outputs by status code, counted over the rows written since `takeCounts`. */
  readonly #counts = [0, 0, 0];

  constructor(plan: ReadPlan) {
    this.#plan = plan;
    const { service, outputs, views } = plan;
    this.#keyPrefixes = service.joinKeys.map(({ name }, i) => prefix(name, i));
    this.#valuePrefixes = outputs.map(({ name }, i) => prefix(name, i));
    this.#writers = outputs.map(({ type }) => compileText(type));
    this.#slots = Int32Array.from(outputs, (output) => output.slot);
    this.#statusTexts = new StatusTexts(this.#valuePrefixes, this.#slots);
    this.#opening = `{"service":${JSON.stringify(service.name)},"version":${service.version}`;
    const versions = views.map((view, i) => `${prefix(view.label, i)}${view.version}`);
    this.#versions = `{${versions.join('')}}`;
    this.#freshnessPrefixes = views.map((view, i) => prefix(view.label, i));
  }

  /** Everything up to the rows. */
  opening(asOfMs: number, commit: number, freshness: readonly ViewFreshness[]): string {
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

  /** One row as it stands in the reader's slots. */
  row(key: readonly Scalar[], reader: RowReader): string {
    const { joinKeys } = this.#plan.service;
    let text = '{"key":{';
    for (let i = 0; i < key.length; i++) {
      const joinKey = joinKeys[i] as (typeof joinKeys)[number];
      text += this.#keyPrefixes[i] + jsonScalar(key[i] as Scalar, joinKey.type);
    }
    text += '},"values":{';
    const slots = this.#slots;
    const { values } = reader;
    for (let i = 0; i < slots.length; i++) {
      text += this.#valuePrefixes[i] as string;
      text += (this.#writers[i] as ValueWriter)(values[slots[i] as number] as Scalar);
    }
    const statuses = this.#statusTexts.of(reader.statuses);
    for (let code = 0; code < statuses.counts.length; code++) {
      this.#counts[code] = (this.#counts[code] as number) + (statuses.counts[code] as number);
    }
    return `${text}},"statuses":${statuses.text}}`;
  }

  takeCounts(): readonly number[] {
    return this.#counts.splice(0, 3, 0, 0, 0);
  }
}

type ValueWriter = (value: Scalar) => string;

/** Most counts are small: their text is made once. */
const SMALL: readonly string[] = Array.from({ length: 1024 }, (_, value) => String(value));

/** `jsonScalar` with the type's branches taken beforehand. */
function compileText(type: ValueType): ValueWriter {
  if (type.kind === 'int64' || type.kind === 'float64') {
    return (value) => {
      if (typeof value !== 'number') return value === null ? 'null' : String(value);
      if (value >>> 0 === value && value < SMALL.length) return SMALL[value] as string;
      return value < Number.MAX_SAFE_INTEGER && value > Number.MIN_SAFE_INTEGER
        ? `${value}`
        : jsonScalar(value, type);
    };
  }
  return (value) => jsonScalar(value, type);
}

function prefix(name: string, index: number): string {
  return `${index === 0 ? '' : ','}${JSON.stringify(name)}:`;
}
