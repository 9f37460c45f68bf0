import { formatDuration } from '../base/duration.ts';
import { SERVING_LIMITS } from '../base/serving-limits.ts';
import { didYouMean } from '../base/suggest.ts';
import type { ServiceNode, ServingNode } from '../define/node.ts';
import type { AcceptedStatus } from '../define/serving-options.ts';
import { compareText } from './canonical.ts';
import type { IssueList } from './issue-list.ts';
import type { FailurePlan, ServingPlan } from './plan.ts';

const ACCEPTED: readonly AcceptedStatus[] = ['default', 'expired', 'missing', 'stale'];
const ACCEPTED_UNLESS_SAID: readonly AcceptedStatus[] = ['default', 'stale'];
const OPTIONS = ['timeout', 'required', 'accept', 'onFailure'];
const POLICIES = ['default', 'skip'] as const;

/**
 * Checks how a service wants to be answered; undefined where it declares nothing.
 * @param outputs names of all that it answers with
 */
export function resolveServing(
  { name, serving }: Pick<ServiceNode, 'name' | 'serving'>,
  outputs: readonly string[],
  issues: IssueList,
): ServingPlan | undefined {
  if (serving === null) return undefined;
  const path = `services.${name}.serving`;
  for (const option of serving.unknown) {
    const message = `There is no option '${option}'.${didYouMean(option, OPTIONS)}`;
    issues.add('invalid_definition', `${path}.${option}`, message, `Use ${OPTIONS.join(', ')}.`);
  }
  return {
    timeoutMs: boundedMs(
      serving.timeout,
      SERVING_LIMITS.requestTimeoutMaxMs,
      `${path}.timeout`,
      issues,
    ),
    required: requiredOutputs(serving, outputs, path, issues),
    accept: acceptedStatuses(serving, path, issues),
    onFailure: failurePlan(serving, path, issues),
  };
}

/** Null where it is not given; a duration beyond the bound is an issue. */
function boundedMs(
  text: string | null,
  maxMs: number,
  path: string,
  issues: IssueList,
): number | null {
  if (text === null) return null;
  const spanMs = issues.duration(path, text);
  if (spanMs === null || spanMs <= maxMs) return spanMs;
  const message = `'${text}' is longer than may be.`;
  issues.add('invalid_definition', path, message, `Use at most ${formatDuration(maxMs)}.`);
  return null;
}

function requiredOutputs(
  { required }: ServingNode,
  outputs: readonly string[],
  path: string,
  issues: IssueList,
): string[] {
  for (const name of required) {
    if (outputs.includes(name)) continue;
    const message = `The service has no feature '${name}'.${didYouMean(name, outputs)}`;
    const remedy = 'Require one that it answers with, by its name there.';
    issues.add('unknown_feature', `${path}.required.${name}`, message, remedy);
  }
  return [...new Set(required)].sort(compareText);
}

function acceptedStatuses(
  { accept }: ServingNode,
  path: string,
  issues: IssueList,
): readonly AcceptedStatus[] {
  if (accept === null) return ACCEPTED_UNLESS_SAID;
  for (const status of accept) {
    if (ACCEPTED.some((one) => one === status)) continue;
    const message = `'${status}' cannot be accepted of a required feature.`;
    const remedy = `Use ${ACCEPTED.join(', ')}, or [] for present values alone.`;
    issues.add('invalid_definition', `${path}.accept.${status}`, message, remedy);
  }
  return ACCEPTED.filter((status) => accept.includes(status));
}

function failurePlan(
  { onFailure, lastKnown }: ServingNode,
  path: string,
  issues: IssueList,
): FailurePlan {
  if (onFailure === 'last_known') {
    const maxMs = SERVING_LIMITS.lastKnownMaxMs;
    const withinMs = boundedMs(lastKnown, maxMs, `${path}.onFailure.lastKnown`, issues);
    return withinMs === null ? { kind: 'default' } : { kind: 'last_known', withinMs };
  }
  if (onFailure === null) return { kind: 'default' };
  const kind = POLICIES.find((policy) => policy === onFailure);
  if (kind !== undefined) return { kind };
  const message = `'${onFailure}' is nothing that can be done.${didYouMean(onFailure, POLICIES)}`;
  const remedy = "Write 'default', 'skip' or { lastKnown: '5m' }.";
  issues.add('invalid_definition', `${path}.onFailure`, message, remedy);
  return { kind: 'default' };
}

/** How a service is answered, whether it declares anything or not. */
export function servingOf({ serving }: { readonly serving?: ServingPlan }): ServingPlan {
  return serving ?? UNDECLARED;
}

const UNDECLARED: ServingPlan = {
  ...{ timeoutMs: null, required: [], accept: ACCEPTED_UNLESS_SAID },
  onFailure: { kind: 'default' },
};

/** The options as `asof plan` shows them, by label. */
export function servingFields(serving: ServingPlan | undefined): Map<string, string> {
  const fields = new Map<string, string>();
  if (serving === undefined) return fields;
  const { timeoutMs, required, accept, onFailure } = serving;
  if (timeoutMs !== null) fields.set('serving timeout', formatDuration(timeoutMs));
  if (required.length > 0) {
    const also = accept.length === 0 ? 'as present alone' : `also as ${accept.join(', ')}`;
    fields.set('required features', `${required.join(', ')} (${also})`);
  }
  if (onFailure.kind !== 'default') fields.set('on store failure', failureText(onFailure));
  return fields;
}

/** The policy in words. */
export function failureText(policy: FailurePlan): string {
  return policy.kind === 'last_known'
    ? `last known within ${formatDuration(policy.withinMs)}`
    : policy.kind;
}
