import type { ServedAnswer, ServedSink } from '../store/serve-log.ts';
import { AD_HOC } from './ad-hoc-services.ts';
import type { AnswerHead, AnswerRow } from './answer-sink.ts';
import { namedValues, rowObject } from './compiled-service.ts';
import type { OutputRead } from './read-plan.ts';
import { TIMEOUT, UNAVAILABLE } from './status-codes.ts';

/**
 * Offers a row to the log that replays check. Also of a model: the log holds all that the version
 * answers, as a replay computes it. What no definition names cannot be found again, and is not
 * logged.
 */
export function sampleRow(log: ServedSink | null, head: AnswerHead, row: AnswerRow): void {
  if (log === null || !log.isSampled()) return;
  const { compiled, asOfMs, commit } = head;
  const { service, outputs } = compiled.plan;
  if (service.name === AD_HOC) return;
  const { name, version, joinKeys, request } = service;
  const given =
    request.length === 0 ? {} : { request: namedValues(request, row.given, joinKeys.length) };
  const values = rowObject(compiled.plan, outputs, row);
  const answer: ServedAnswer = { service: name, version, asOfMs, commit, ...values, ...given };
  const commits = outputs.map((output) => commitOf(head, row, output));
  if (commits.every((one) => one === commit)) {
    log.offer(answer);
    return;
  }
  // What speaks for another commit has an entry of its own; what is not there has none.
  for (const own of new Set(commits)) {
    if (own === null) continue;
    const unknown = outputs.filter((_, at) => commits[at] !== own).map((output) => output.name);
    log.offer({ ...answer, commit: own, unknown });
  }
}

/** The commit that an output speaks for; null where there is nothing that a replay could confirm. */
function commitOf(
  { compiled, commit, degradation }: AnswerHead,
  { statuses }: AnswerRow,
  { slot }: OutputRead,
): number | null {
  const status = statuses[slot] as number;
  if (status === TIMEOUT || status === UNAVAILABLE) return null;
  if (compiled.plan.askedSlots?.has(slot) === true) return null;
  if (degradation === null) return commit;
  const { requestSlot, slotViews } = compiled.plan;
  if (slot >= requestSlot) return null;
  return degradation.commits[slotViews[slot] ?? -1] ?? null;
}
