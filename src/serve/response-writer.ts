import { jsonScalar } from '../schema/json.ts';
import type { Scalar } from '../schema/types.ts';
import type { ViewFreshness } from './answer.ts';
import type { ReadPlan } from './read-plan.ts';
import { type RowReader, STATUS_BY_CODE } from './row-reader.ts';

/**
 * Writes the JSON text of answers without building objects. Everything that does not depend on
 * the values (names, quotes, the statuses of a row that is wholly present) is text made once.
 */
export class ResponseWriter {
  readonly #plan: ReadPlan;
  readonly #keyPrefixes: readonly string[];
  readonly #valuePrefixes: readonly string[];
  readonly #writers: readonly ((value: Scalar) => string)[];
  readonly #slots: Int32Array;
  /** By output, then by status code. */
  readonly #statusTexts: readonly (readonly string[])[];
  readonly #allPresent: string;
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
    this.#writers = outputs.map(
      ({ type }) =>
        (value) =>
          jsonScalar(value, type),
    );
    this.#slots = Int32Array.from(outputs, (output) => output.slot);
    this.#statusTexts = outputs.map(({ name }, i) =>
      STATUS_BY_CODE.map((status) => `${prefix(name, i)}"${status}"`),
    );
    this.#allPresent = `{${this.#statusTexts.map((texts) => texts[0]).join('')}}`;
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
    const { values, statuses } = reader;
    let isAllPresent = true;
    for (let i = 0; i < slots.length; i++) {
      const slot = slots[i] as number;
      const value = values[slot] as Scalar;
      const write = this.#writers[i] as (value: Scalar) => string;
      text += (this.#valuePrefixes[i] as string) + (value === null ? 'null' : write(value));
      if (statuses[slot] !== 0) isAllPresent = false;
    }
    if (isAllPresent) {
      this.#counts[0] = (this.#counts[0] as number) + slots.length;
      return `${text}},"statuses":${this.#allPresent}}`;
    }
    return `${text}},"statuses":${this.#statuses(statuses)}}`;
  }

  takeCounts(): readonly number[] {
    return this.#counts.splice(0, 3, 0, 0, 0);
  }

  #statuses(statuses: Uint8Array): string {
    let text = '{';
    for (let i = 0; i < this.#slots.length; i++) {
      const code = statuses[this.#slots[i] as number] as number;
      this.#counts[code] = (this.#counts[code] as number) + 1;
      text += this.#statusTexts[i]?.[code];
    }
    return `${text}}`;
  }
}

function prefix(name: string, index: number): string {
  return `${index === 0 ? '' : ','}${JSON.stringify(name)}:`;
}
