import type { TimeRange } from '../aggregate/window.ts';
import { present } from '../base/assert.ts';
import { formatDuration } from '../base/duration.ts';
import { LIMITS } from '../base/limits.ts';
import { scalarOfLiteral } from '../expr/literal.ts';
import { referencedColumns } from '../expr/references.ts';
import { computedOutputs } from '../plan/function-outputs.ts';
import type { FeatureValue } from '../schema/types.ts';
import type { ServedAnswer } from '../store/serve-log.ts';
import {
  type ExplainedEvent,
  eventsNear,
  explainedWindow,
  type Mismatch,
  naiveValue,
} from './explain-events.ts';
import { isSameValue } from './value-text.ts';

export type ExplanationKind =
  /** The served value counts events of a later commit than the answer says. */
  | 'after_position'
  /** The served value lacks an event that was applied before. */
  | 'missing_event'
  /** The served value counts an event twice. */
  | 'counted_twice'
  /** The served value still counts an event that was taken back before. */
  | 'retraction_missed'
  /** The served value counts an event just outside the window. */
  | 'boundary'
  /** The served value is the declared default although events count. */
  | 'served_default'
  /** No plan that was applied has such a service version or feature. */
  | 'definition'
  /** The answer's position lies behind the end of the history. */
  | 'history_behind'
  /** The value is right, its status is not. */
  | 'status'
  /** A derived feature: its inputs tell more. */
  | 'derived'
  /** No single event explains it; those near the edges are listed. */
  | 'unknown';

export interface Explanation {
  readonly kind: ExplanationKind;
  /** One sentence for people. */
  readonly text: string;
  /** The events that explain it, or those near the window's edges. */
  readonly events: readonly ExplainedEvent[];
}

/** Tries one event after another: which one, left out or put in, gives the served value? */
export async function explainMismatch(mismatch: Mismatch): Promise<Explanation> {
  const { work, answer, index, served } = mismatch;
  const output = work.service.features[index];
  if (output === undefined) {
    const asked = computedOutputs(work.service)[index - work.service.features.length];
    const inputs = asked?.reads ?? [];
    const text = `It is computed from ${inputs.join(', ')}: see those, and the request.`;
    return { kind: 'derived', text, events: [] };
  }
  const view = present(
    work.views.find((one) => one.view.name === output.view && one.view.version === output.version),
    'the service has the view',
  );
  const planned = view.aggregates.get(output.feature);
  if (planned === undefined) {
    const derived = view.features.find((feature) => feature.name === output.feature);
    const inputs = derived?.kind === 'derived' ? referencedColumns(derived.expr).join(', ') : '';
    return { kind: 'derived', text: `It is derived from ${inputs}: see those.`, events: [] };
  }
  const window = explainedWindow(work, planned, answer.asOfMs);
  const events = await eventsNear(mismatch, planned, window);
  const value = (rows: readonly ExplainedEvent[]): FeatureValue =>
    naiveValue(rows, work, planned, window.counts);
  const isInside = (event: ExplainedEvent): boolean =>
    event.eventTimeMs >= window.startMs && event.eventTimeMs < window.endMs;
  const isServed: IsServed = (rows) => isSameValue(value(rows), served);
  const counted = events.filter((event) => event.commit <= answer.commit && isInside(event));
  const byPosition = explainByPosition(events.filter(isInside), counted, answer, isServed);
  if (byPosition !== null) return byPosition;
  for (const beside of window.besides) {
    if (!isSameValue(naiveValue(counted, work, planned, beside), served)) continue;
    const text = 'Its session is one of a gap that is 1 ms off.';
    return { kind: 'boundary', text, events: nearEdges(events, window) };
  }
  const byEvent = explainByEvent(events, counted, isInside, isServed);
  if (byEvent !== null) return byEvent;
  const { type, default: fallback } = planned.feature;
  if (isSameValue(served, scalarOfLiteral(type, fallback))) {
    const text = `The default was served, but ${counted.length} events lie in the window.`;
    return { kind: 'served_default', text, events: counted.slice(-LIMITS.explainedEvents) };
  }
  const { startMs, endMs } = window;
  const text = `No single event explains it; the window is [${startMs}, ${endMs}).`;
  return { kind: 'unknown', text, events: nearEdges(events, window) };
}

/** Whether the served value is that of a history with these events. */
type IsServed = (events: readonly ExplainedEvent[]) => boolean;

/** Events that became visible one commit after another: does the served value stand at one? */
function explainByPosition(
  inside: readonly ExplainedEvent[],
  counted: readonly ExplainedEvent[],
  answer: ServedAnswer,
  isServed: IsServed,
): Explanation | null {
  const commits = [...new Set(inside.map((event) => event.commit))].sort((a, b) => a - b);
  for (const commit of commits) {
    if (commit <= answer.commit) continue;
    if (!isServed(inside.filter((event) => event.commit <= commit))) continue;
    const events = inside.filter((event) => event.commit > answer.commit && event.commit <= commit);
    const text = `The value is that of commit ${commit}, after the answer's ${answer.commit}.`;
    return { kind: 'after_position', text, events };
  }
  for (const commit of commits.toReversed()) {
    if (commit > answer.commit) continue;
    const before = counted.filter((event) => event.commit < commit);
    if (!isServed(before)) continue;
    const events = counted.filter((event) => event.commit >= commit);
    const text = `The value lacks commit ${commit} and later, applied by ${answer.commit}.`;
    return { kind: 'missing_event', text, events };
  }
  return null;
}

function explainByEvent(
  events: readonly ExplainedEvent[],
  counted: readonly ExplainedEvent[],
  isInside: (event: ExplainedEvent) => boolean,
  isServed: IsServed,
): Explanation | null {
  for (const event of counted) {
    if (isServed(counted.filter((other) => other !== event))) {
      if (event.retracts !== null) {
        const text = `It still counts what ${place(event)} takes back.`;
        return { kind: 'retraction_missed', text, events: [event] };
      }
      return { kind: 'missing_event', text: `It lacks ${place(event)}.`, events: [event] };
    }
    if (isServed([...counted, event])) {
      return { kind: 'counted_twice', text: `It counts ${place(event)} twice.`, events: [event] };
    }
  }
  for (const event of events) {
    if (isInside(event) || !isServed([...counted, event])) continue;
    const text = `It counts ${place(event)}, outside the window.`;
    return { kind: 'boundary', text, events: [event] };
  }
  return null;
}

function place(event: ExplainedEvent): string {
  const { commit, partition, offset, eventTimeMs, arrivalTimeMs } = event;
  const lateMs = arrivalTimeMs - eventTimeMs;
  const late = lateMs > 0 ? `, ${formatDuration(lateMs)} after it happened` : '';
  return `offset ${offset} of partition ${partition} (commit ${commit}${late})`;
}

function nearEdges(events: readonly ExplainedEvent[], range: TimeRange): ExplainedEvent[] {
  const distance = (event: ExplainedEvent): number =>
    Math.min(
      Math.abs(event.eventTimeMs - range.startMs),
      Math.abs(event.eventTimeMs - range.endMs),
    );
  return events
    .toSorted((a, b) => distance(a) - distance(b))
    .slice(0, LIMITS.explainedEvents)
    .sort((a, b) => a.eventTimeMs - b.eventTimeMs || a.commit - b.commit);
}
