import { LIMITS } from '../base/limits.ts';
import { didYouMean } from '../base/suggest.ts';
import type { ViewNode } from '../define/node.ts';
import type { IssueList } from './issue-list.ts';
import type { OnlinePlan } from './online-form.ts';
import type { ProjectPlan } from './plan.ts';

const WORDS = ['all', 'read'];

/** Which keys of the view an online store holds, checked; null for all of them. */
export function resolveOnline(
  { name, online }: Pick<ViewNode, 'name' | 'online'>,
  issues: IssueList,
): OnlinePlan | null {
  if (online === undefined || online.keys === 'all') return null;
  const path = `views.${name}.online`;
  const remedy = `Use 'all', 'read', or { top: n }, n from 1 to ${LIMITS.wantedKeys}.`;
  const { keys, count } = online;
  if (keys === 'read') return 'read';
  if (keys !== 'top' || count === null) {
    const message = `'${keys}' are no keys of an online store.${didYouMean(keys, WORDS)}`;
    issues.add('invalid_definition', path, message, remedy);
  } else if (!Number.isInteger(count) || count < 1 || count > LIMITS.wantedKeys) {
    const message = `The number of keys that are read most is ${count}.`;
    issues.add('invalid_definition', path, message, remedy);
  } else return { top: count };
  return null;
}

/**
 * Of which tile groups an online store holds some keys only. Views share groups: of what they
 * declare the widest holds, and a group is not among these if one of them has all keys.
 */
export function selectedGroups({ views }: Pick<ProjectPlan, 'views'>): Map<string, OnlinePlan> {
  const selected = new Map<string, OnlinePlan>();
  const whole = new Set<string>();
  for (const { online, features } of views) {
    for (const feature of features) {
      if (feature.kind === 'derived') continue;
      const before = selected.get(feature.group);
      if (online === undefined) whole.add(feature.group);
      else selected.set(feature.group, before === undefined ? online : wider(before, online));
    }
  }
  for (const group of whole) selected.delete(group);
  return selected;
}

function wider(a: OnlinePlan, b: OnlinePlan): OnlinePlan {
  if (a === 'read' || b === 'read') return 'read';
  return a.top >= b.top ? a : b;
}
