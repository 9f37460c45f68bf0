import type { ServingPlan } from '../plan/plan.ts';
import type { FeatureValue } from '../schema/types.ts';
import type { AnswerRow, RowException } from './answer-row.ts';
import type { ReadPlan } from './read-plan.ts';
import type { RowReader } from './row-reader.ts';
import { DENIED, PRESENT, STATUS_BY_CODE, TIMEOUT, UNAVAILABLE } from './status-codes.ts';
import type { StatusCounts } from './status-counts.ts';

/** A row as it is answered, where that is not how it was read. */
export interface ExceptionalRow extends AnswerRow {
  readonly exception: RowException;
}

/**
 * What a service says of rows that something is missing of, and what a caller may not see. Rows to
 * which none of it applies are found by the counts that are kept with their answers.
 */
export class RowRules {
  readonly #plan: ReadPlan;
  readonly #required: readonly number[];
  readonly #denied: readonly number[];
  readonly #isSkipping: boolean;
  /** By status code. */
  readonly #isAccepted: Uint8Array;

  /** @param denied names of outputs that the caller may not see */
  constructor(plan: ReadPlan, serving: ServingPlan, denied: ReadonlySet<string>) {
    const placesOf = (wanted: (name: string) => boolean): number[] =>
      plan.outputs.flatMap(({ name }, at) => (wanted(name) ? [at] : []));
    this.#plan = plan;
    this.#required = placesOf((name) => serving.required.includes(name));
    this.#denied = placesOf((name) => denied.has(name));
    this.#isSkipping = serving.onFailure.kind === 'skip';
    this.#isAccepted = Uint8Array.from(STATUS_BY_CODE, (status, code) =>
      code === PRESENT || serving.accept.some((one) => one === status) ? 1 : 0,
    );
  }

  /** Whether there is anything that they could change. */
  get isEmpty(): boolean {
    return this.#required.length === 0 && this.#denied.length === 0 && !this.#isSkipping;
  }

  get hasDenied(): boolean {
    return this.#denied.length > 0;
  }

  /** The row itself, where nothing applies to it. */
  apply(row: RowReader): AnswerRow {
    if (this.#denied.length === 0 && row.everyCount((counts) => this.#isPlain(counts))) return row;
    const { outputs } = this.#plan;
    const statuses = row.statuses.slice();
    const values = [...row.values];
    for (const at of this.#denied) {
      const { slot } = outputs[at] as (typeof outputs)[number];
      statuses[slot] = DENIED;
      values[slot] = null;
    }
    const statusOf = (at: number): number => statuses[outputs[at]?.slot ?? -1] as number;
    const failed = this.#required
      .filter((at) => this.#isAccepted[statusOf(at)] === 0)
      .map((at) => outputs[at]?.name ?? '');
    const leftOut = Uint8Array.from(outputs, (_, at) =>
      this.#isSkipping && isNotThere(statusOf(at)) ? 1 : 0,
    );
    if (failed.length === 0 && this.#denied.length === 0 && !leftOut.includes(1)) return row;
    const answered: FeatureValue[] = failed.length > 0 ? values.map(() => null) : values;
    for (const [at, isLeftOut] of leftOut.entries()) {
      if (isLeftOut === 1) answered[outputs[at]?.slot ?? -1] = null;
    }
    const exception: RowException = { failed, leftOut };
    return { given: row.given, values: answered, statuses, answers: [], exception };
  }

  /** Whether a look at the counts alone shows that nothing applies. */
  #isPlain(counts: Readonly<StatusCounts>): boolean {
    if (this.#isSkipping && counts.timeout + counts.error > 0) return false;
    if (this.#required.length === 0) return true;
    for (let code = 0; code < this.#isAccepted.length; code++) {
      const status = STATUS_BY_CODE[code] as (typeof STATUS_BY_CODE)[number];
      if (this.#isAccepted[code] === 0 && counts[status] > 0) return false;
    }
    return true;
  }
}

function isNotThere(status: number): boolean {
  return status === TIMEOUT || status === UNAVAILABLE;
}

const NOBODY: ReadonlySet<string> = new Set();
const known = new WeakMap<ReadPlan, RowRules | null>();

/** The rules of a version, or of what a model reads of it; null where they could change no row. */
export function rowRulesOf(
  plan: ReadPlan,
  serving: ServingPlan,
  denied: ReadonlySet<string> | null,
): RowRules | null {
  if (denied !== null && denied.size > 0) {
    const rules = new RowRules(plan, serving, denied);
    return rules.isEmpty ? null : rules;
  }
  let rules = known.get(plan);
  if (rules === undefined) {
    const made = new RowRules(plan, serving, NOBODY);
    rules = made.isEmpty ? null : made;
    known.set(plan, rules);
  }
  return rules;
}
