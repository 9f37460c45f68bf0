import { bytesOf } from '../base/byte-size.ts';
import { AsofError } from '../base/errors.ts';
import type { StateNode } from '../define/node.ts';
import type { IssueList } from './issue-list.ts';
import type { StatePlan } from './plan.ts';

/** Nothing said: any number of keys, no bound of its own, and cold keys move to disk. */
export const UNBOUNDED_STATE: StatePlan = { keys: null, budgetBytes: null, atLimit: 'spill' };

export function resolveState(node: StateNode | null, path: string, issues: IssueList): StatePlan {
  if (node === null) return UNBOUNDED_STATE;
  const { keys, budget, atLimit } = node;
  if (keys !== null && !(Number.isSafeInteger(keys) && keys >= 1)) {
    const message = `A view cannot expect ${String(keys)} keys.`;
    issues.add('invalid_definition', `${path}.keys`, message, 'Write a whole number from 1 on.');
  }
  const budgetBytes = budgetOf(budget, `${path}.budget`, issues);
  const policy = atLimit ?? UNBOUNDED_STATE.atLimit;
  if (policy !== 'spill' && policy !== 'stop') {
    const message = `'${String(atLimit)}' is nothing that a view can do at its budget.`;
    issues.add('invalid_definition', `${path}.atLimit`, message, "Write 'spill' or 'stop'.");
    return UNBOUNDED_STATE;
  }
  if (atLimit !== null && budget === null) {
    const message = 'It says what to do at the budget, but has no budget.';
    issues.add('invalid_definition', `${path}.atLimit`, message, "Add budget: '512MB'.");
  }
  return { keys, budgetBytes, atLimit: policy };
}

function budgetOf(budget: string | null, path: string, issues: IssueList): number | null {
  if (budget === null) return null;
  try {
    return bytesOf(String(budget));
  } catch (error) {
    if (!(error instanceof AsofError)) throw error;
    issues.add(error.code, path, error.message, error.remedy);
    return null;
  }
}
