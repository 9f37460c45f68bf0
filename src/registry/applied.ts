import type { ProjectPlan } from '../plan/plan.ts';

/** What is applied: the plan and its generation, which grows by one with every apply. */
export interface Applied {
  readonly generation: number;
  readonly appliedMs: number;
  readonly author: string;
  readonly plan: ProjectPlan;
}

/** Of what was applied in order, what held at some time since then. */
export function appliedSince<T extends Pick<Applied, 'appliedMs'>>(
  applied: readonly T[],
  sinceMs: number,
): T[] {
  return applied.filter(
    (_, at) => (applied[at + 1]?.appliedMs ?? Number.POSITIVE_INFINITY) >= sinceMs,
  );
}
