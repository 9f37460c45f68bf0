import { ValueProblem } from '../schema/read-value.ts';
import type { SourceSchema } from '../schema/types.ts';
import type { RowProblem } from './row-problem.ts';
import { lateRemedy, unitHint } from './time-remedies.ts';

/** What a declared arrival time may not lie ahead of: the log's clock, or nothing at all. */
export type ArrivalBound = 'clock' | 'none';

/** Semantics §1, rule 3, of an arrival that did not come from the log's own clock. */
export function arrivalProblem(
  { arrivalTime, maxClockSkewMs }: SourceSchema,
  declaredMs: number | null,
  nowMs: number,
  bound: ArrivalBound,
): RowProblem | null {
  const aheadMs = declaredMs === null || bound === 'none' ? 0 : declaredMs - nowMs;
  if (aheadMs <= maxClockSkewMs) return null;
  const name = arrivalTime === null ? 'The arrival' : `'${arrivalTime}'`;
  const message = `${name} lies ${aheadMs} ms ahead of the clock; ${maxClockSkewMs} are allowed.`;
  const remedy = declaredMs === null ? null : unitHint(arrivalTime ?? 'arrival', declaredMs, nowMs);
  return { column: arrivalTime, problem: new ValueProblem('from_the_future', message, remedy) };
}

/** Semantics §1, rules 2 and 3, of an event by its arrival. */
export function timeProblem(
  schema: SourceSchema,
  eventMs: number,
  arrivalMs: number,
): RowProblem | null {
  const { eventTime, arrivalTime, allowedLatenessMs, maxClockSkewMs } = schema;
  const lateMs = arrivalMs - eventMs;
  if (lateMs <= allowedLatenessMs && -lateMs <= maxClockSkewMs) return null;
  const hint =
    unitHint(eventTime, eventMs, arrivalMs) ??
    (arrivalTime === null ? null : unitHint(arrivalTime, arrivalMs, eventMs));
  if (lateMs > allowedLatenessMs) {
    const message = `'${eventTime}' lies ${lateMs} ms before its arrival; ${allowedLatenessMs} are allowed.`;
    const problem = new ValueProblem('too_late', message, hint ?? lateRemedy(schema));
    return { column: eventTime, problem, lateMs };
  }
  const message = `'${eventTime}' lies ${-lateMs} ms ahead of its arrival; ${maxClockSkewMs} are allowed.`;
  const problem = new ValueProblem('from_the_future', message, hint);
  return { column: eventTime, problem, lateMs };
}
