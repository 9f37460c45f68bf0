import type { FeatureValue, Single } from '../schema/types.ts';
import type { CachedAnswer } from './answer-cache.ts';

/** What makes the answer of a row another than what was read of it. */
export interface RowException {
  /** Required outputs that are not there: then no value is answered. Empty: the row has not failed. */
  readonly failed: readonly string[];
  /** By output, 1 where no value is answered, not even null. */
  readonly leftOut: Uint8Array;
}

/** One row of an answer; valid until the next one is read. */
export interface AnswerRow {
  /** The join keys, then the request fields. */
  readonly given: readonly Single[];
  /** By slot: `plan.outputs` say where. */
  readonly values: readonly FeatureValue[];
  /** By slot: codes of `STATUS_BY_CODE`. */
  readonly statuses: Uint8Array;
  /** By entity: what was read, with its JSON once that has been written. */
  readonly answers: readonly CachedAnswer[];
  /** What makes it another row than was read, as a rule null; `answers` do not hold it then. */
  readonly exception: RowException | null;
}
