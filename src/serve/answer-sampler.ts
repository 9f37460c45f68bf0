import type { ServeLogWriter } from '../store/serve-log.ts';
import { AD_HOC } from './ad-hoc-services.ts';
import type { AnswerHead, AnswerRow } from './answer-sink.ts';
import { namedValues, rowObject } from './compiled-service.ts';

/**
 * Offers a row to the log that replays check. Also of a model: the log holds all that the version
 * answers, as a replay computes it. What no definition names cannot be found again, and is not
 * logged.
 */
export function sampleRow(
  log: ServeLogWriter | null,
  { compiled, asOfMs, commit }: AnswerHead,
  row: AnswerRow,
): void {
  if (log === null || !log.isSampled()) return;
  const { service, outputs } = compiled.plan;
  if (service.name === AD_HOC) return;
  const { name, version, joinKeys, request } = service;
  const values = rowObject(compiled.plan, outputs, row);
  const answer = { service: name, version, asOfMs, commit, ...values };
  if (request.length === 0) log.offer(answer);
  else log.offer({ ...answer, request: namedValues(request, row.given, joinKeys.length) });
}
