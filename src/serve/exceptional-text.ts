import { jsonScalar } from '../schema/json.ts';
import type { FeatureValue, Scalar } from '../schema/types.ts';
import { asciiText, compileValueText, memberPrefix } from './ascii-json.ts';
import type { ReadPlan } from './read-plan.ts';
import type { ExceptionalRow } from './row-rules.ts';
import { STATUS_BY_CODE } from './status-codes.ts';

/** Writes rows that differ from what was read of them; nothing of their text is kept. */
export function compileExceptionalText({
  service,
  outputs,
}: ReadPlan): (row: ExceptionalRow) => string {
  const texts = outputs.map(({ type }) => compileValueText(type));
  return ({ given, values, statuses, exception }) => {
    const { failed, leftOut } = exception;
    const key = service.joinKeys.map(
      ({ name, type }, at) =>
        memberPrefix(name, 0) + asciiText(jsonScalar(given[at] as Scalar, type)),
    );
    const shown = outputs.flatMap(({ name, slot }, at) => {
      if (leftOut[at] === 1) return [];
      const text = texts[at] as (typeof texts)[number];
      return [memberPrefix(name, 0) + text(values[slot] as FeatureValue)];
    });
    const said = outputs.map(
      ({ name, slot }) => `${memberPrefix(name, 0)}"${STATUS_BY_CODE[statuses[slot] as number]}"`,
    );
    const note = failed.length === 0 ? '' : `,"failed":${JSON.stringify(failedNote(failed))}`;
    return `{"key":{${key.join()}},"values":{${shown.join()}},"statuses":{${said.join()}}${note}}`;
  };
}

/** What is said of a row that failed. */
export function failedNote(features: readonly string[]): {
  readonly code: 'required_feature';
  readonly features: readonly string[];
} {
  return { code: 'required_feature', features };
}
