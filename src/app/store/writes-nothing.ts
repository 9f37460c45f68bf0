import { AsofError } from '../../base/errors.ts';
import type { HttpDependencies } from '../../http/dependencies.ts';
import type { ProjectPlan } from '../../plan/plan.ts';

/** What a process without an engine has in place of a door; requests to it go elsewhere before. */
export function writesNothing(
  plan: () => ProjectPlan,
): Pick<HttpDependencies, 'ingestor' | 'deadLetters' | 'lateness' | 'drift'> {
  const refuse = (): never => {
    throw new AsofError('not_primary', 'This process only answers features.');
  };
  return {
    ingestor: {
      push: async () => refuse(),
      get sources() {
        return plan().sources.map(({ name }) => name);
      },
    },
    deadLetters: {
      count: () => 0,
      counts: async () => refuse(),
      list: refuse,
      readmit: async () => refuse(),
      newest: refuse,
    },
    lateness: refuse,
    drift: refuse,
  };
}
