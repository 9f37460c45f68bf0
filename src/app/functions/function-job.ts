import { SERVING_LIMITS } from '../../base/serving-limits.ts';
import type { FunctionPlan } from '../../plan/function-form.ts';
import type { CallEnd, FunctionValue } from '../../plan/function-runner.ts';
import { functionOutput, OutputProblem } from '../../plan/function-values.ts';
import type { Scalar } from '../../schema/types.ts';

/** Why a process had to be ended, or ended itself. */
export type Cut = Extract<CallEnd, { readonly kind: 'timeout' | 'unavailable' }>;

/** Calls of one function that are made together, and how they ended. */
export class FunctionJob {
  readonly plan: FunctionPlan;
  readonly settled: Promise<readonly CallEnd[]>;
  /** Calls that have not ended, by their place. */
  #open: number[];
  readonly #calls: readonly (readonly FunctionValue[])[];
  readonly #ends: (CallEnd | undefined)[];
  readonly #settle: (ends: readonly CallEnd[]) => void;
  #cuts = 0;
  #isSettled = false;

  constructor(plan: FunctionPlan, calls: readonly (readonly FunctionValue[])[]) {
    this.plan = plan;
    this.#calls = calls;
    this.#ends = new Array<CallEnd | undefined>(calls.length);
    this.#open = calls.map((_, at) => at);
    const { promise, resolve } = Promise.withResolvers<readonly CallEnd[]>();
    this.settled = promise;
    this.#settle = resolve;
  }

  get isSettled(): boolean {
    return this.#isSettled;
  }

  /** Calls that are still to be made. */
  get size(): number {
    return this.#isSettled ? 0 : this.#open.length;
  }

  /** The job as a process is given it. */
  frame(id: number, isKnown: boolean): object {
    const { digest, source, uses, inputs, outputs, network } = this.plan;
    const define = {
      ...{ key: digest, source, uses, hasNetwork: network !== null },
      inputs: inputs.map(({ name }) => name),
      outputs: outputs.map(({ name }) => name),
    };
    return {
      ...{ id, key: digest, calls: this.#open.length },
      ...(isKnown ? {} : { define }),
      values: this.#open.flatMap((at) => [...(this.#calls[at] ?? [])]),
      width: inputs.length,
      outputs: outputs.length,
      textLength: SERVING_LIMITS.functionTextLength,
    };
  }

  /** Takes what a process answered; false where it is no answer to this. */
  take(answer: unknown): boolean {
    if (typeof answer !== 'object' || answer === null) return false;
    const { results, failed } = answer as { results?: unknown; failed?: unknown };
    const width = this.plan.outputs.length;
    if (!Array.isArray(results) || results.length !== this.#open.length * width) return false;
    if (!Array.isArray(failed)) return false;
    const reasons = new Map<unknown, unknown>(failed as [unknown, unknown][]);
    for (const [call, at] of this.#open.entries()) {
      const reason = reasons.get(call);
      const given = results.slice(call * width, (call + 1) * width);
      this.#ends[at] =
        reason === undefined ? this.#checked(given) : { kind: 'error', reason: String(reason) };
    }
    this.#open = [];
    this.#finish();
    return true;
  }

  #checked(given: readonly unknown[]): CallEnd {
    const values: Scalar[] = [];
    for (const [at, output] of this.plan.outputs.entries()) {
      const value = functionOutput(given[at], output);
      if (value instanceof OutputProblem) return { kind: 'error', reason: value.reason };
      values.push(value);
    }
    return { kind: 'done', values };
  }

  /**
   * One call was cut off: it ends so, and the others are to be made again; once more, and all end
   * so. -1 is the making of the function itself, without which there is no call.
   */
  cut(call: number, why: Cut): void {
    this.#cuts += 1;
    const guilty = this.#open[call];
    if (guilty === undefined || this.#cuts > 1) {
      this.end(why);
      return;
    }
    this.#ends[guilty] = why;
    this.#open.splice(call, 1);
    if (this.#open.length === 0) this.#finish();
  }

  /** All calls that have not ended end so. */
  end(why: Cut): void {
    for (const at of this.#open) this.#ends[at] = why;
    this.#open = [];
    this.#finish();
  }

  #finish(): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    this.#settle(this.#ends as readonly CallEnd[]);
  }
}
