import { systemClock } from '../../base/clock.ts';
import { AsofError } from '../../base/errors.ts';
import type { ForgetBody } from '../../http/forget-port.ts';
import type { Viewer } from '../../registry/access/viewer.ts';
import { type ForgetJob, newJobId, newSalt } from './job.ts';
import { declaredPlace, entitiesOf, type Plans } from './places.ts';
import { entityOf, readSubject, type Subject } from './subjects.ts';

/** What is asked for: plain JSON, as it goes to a server. */
export type ForgetRequest = ForgetBody;

/**
 * @param viewer what it may not know of is not there
 * @throws AsofError `usage`, `unknown_name`
 */
export function jobOf(
  request: ForgetRequest,
  plans: Plans,
  viewer: Pick<Viewer, 'principal' | 'visible' | 'mayRead'>,
): ForgetJob {
  const { requestId, reason, block, shared, graceMs } = request;
  const author = viewer.principal.id;
  const entities = [...viewer.visible(entitiesOf(plans))];
  const subjects = distinct(request.subjects.map((line) => readSubject(line, entities)));
  if (subjects.length === 0)
    throw new AsofError('usage', 'Nobody is named who is to be forgotten.');
  const names = [...new Set(subjects.map(({ entity }) => entity))];
  const declared = request.columns.map((text) => {
    const [only] = names;
    if (only !== undefined && names.length === 1) {
      const isKnown = viewer.mayRead(text.slice(0, Math.max(0, text.lastIndexOf('.'))));
      return declaredPlace(text, entityOf(only, entities), isKnown ? plans : []);
    }
    throw new AsofError('usage', '--column is of one entity; here are several.', {
      remedy: 'Forget them one entity at a time.',
    });
  });
  const startedMs = systemClock.nowMs();
  return {
    ...{ id: newJobId(startedMs), startedMs, author, requestId, reason },
    ...{ subjects, declared, block, shared, graceMs, salt: newSalt() },
  };
}

function distinct(subjects: readonly Subject[]): Subject[] {
  return [...new Map(subjects.map((one) => [JSON.stringify(one), one])).values()];
}
