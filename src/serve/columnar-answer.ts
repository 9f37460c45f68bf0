import type { FeatureValue, Scalar, ValueType } from '../schema/types.ts';
import type { AnswerHead, AnswerRow, AnswerSink, OpenSink } from './answer-sink.ts';
import type { ContractNote } from './model-contract.ts';

/** One feature of an answer, for all rows. */
export interface FeatureColumn {
  readonly name: string;
  readonly type: ValueType;
  readonly values: readonly FeatureValue[];
  /** Codes of `STATUS_BY_CODE`. */
  readonly statuses: Uint8Array;
}

/** A join key as it was given, for all rows. */
export interface KeyColumn {
  readonly name: string;
  readonly type: ValueType;
  readonly values: readonly Scalar[];
}

/** An answer column by column, for protocols that have columns. */
export interface ColumnarAnswer {
  readonly head: AnswerHead;
  readonly keys: readonly KeyColumn[];
  readonly features: readonly FeatureColumn[];
  readonly contract: ContractNote | null;
  /** Rows without an answer, and the required features that are not there; null in all columns. */
  readonly failed: readonly FailedRow[];
}

export interface FailedRow {
  /** From 0. */
  readonly row: number;
  readonly features: readonly string[];
}

/** Collects columns, and makes of them what a protocol sends. */
export function columnarSink<T>(finish: (answer: ColumnarAnswer) => T): OpenSink<T> {
  return (head) => new ColumnarSink(head, finish);
}

class ColumnarSink<T> implements AnswerSink<T> {
  readonly #head: AnswerHead;
  readonly #finish: (answer: ColumnarAnswer) => T;
  readonly #keys: Scalar[][];
  readonly #values: FeatureValue[][];
  readonly #statuses: readonly Uint8Array[];
  readonly #slots: Int32Array;
  readonly #failed: FailedRow[] = [];
  #rows = 0;

  constructor(head: AnswerHead, finish: (answer: ColumnarAnswer) => T) {
    const { outputs, service } = head.plan;
    this.#head = head;
    this.#finish = finish;
    this.#keys = service.joinKeys.map(() => []);
    this.#values = outputs.map(() => []);
    this.#statuses = outputs.map(() => new Uint8Array(head.rowCount));
    this.#slots = Int32Array.from(outputs, ({ slot }) => slot);
  }

  row({ given, values, statuses, exception }: AnswerRow): void {
    const at = this.#rows;
    if (exception !== null && exception.failed.length > 0) {
      this.#failed.push({ row: at, features: exception.failed });
    }
    for (let i = 0; i < this.#keys.length; i++) {
      (this.#keys[i] as Scalar[]).push(given[i] as Scalar);
    }
    for (let i = 0; i < this.#slots.length; i++) {
      const slot = this.#slots[i] as number;
      (this.#values[i] as FeatureValue[]).push(values[slot] as FeatureValue);
      (this.#statuses[i] as Uint8Array)[at] = statuses[slot] as number;
    }
    this.#rows += 1;
  }

  end(contract: ContractNote | null): T {
    const { outputs, service } = this.#head.plan;
    return this.#finish({
      head: this.#head,
      contract,
      failed: this.#failed,
      keys: service.joinKeys.map(({ name, type }, i) => ({
        ...{ name, type },
        values: this.#keys[i] as Scalar[],
      })),
      features: outputs.map(({ name, type }, i) => ({
        ...{ name, type },
        values: this.#values[i] as FeatureValue[],
        statuses: this.#statuses[i] as Uint8Array,
      })),
    });
  }
}
