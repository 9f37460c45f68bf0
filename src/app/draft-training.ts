import { AsofError } from '../base/errors.ts';
import type { ProjectPlan } from '../plan/plan.ts';
import { type ServingState, servingStates } from '../registry/serving-states.ts';
import type { Config } from './config.ts';
import { withRegistry } from './with-registry.ts';

/**
 * What a training set is of, if requests are not answered by it: the state that the version is in,
 * or a view that it reads. null: it is served, or not known of, which is told elsewhere.
 */
export async function unservedState(
  config: Config,
  plan: ProjectPlan,
  service: string,
  version: number | null,
): Promise<ServingState | null> {
  const states = await withRegistry(config, ({ lifecycle }) => lifecycle.states());
  const versions = servingStates(plan, states).filter((one) => one.service === service);
  const wanted = version ?? Math.max(0, ...versions.map((one) => one.version));
  const found = versions.find((one) => one.version === wanted);
  return found === undefined || found.refusal === null ? null : found;
}

/**
 * A model is trained on what it will be served; on a draft only by somebody who says so.
 * @throws AsofError `not_active`
 */
export async function requireTrainable(
  config: Config,
  plan: ProjectPlan,
  asked: { readonly service: string; readonly version: number | null; readonly draft: boolean },
): Promise<void> {
  const { service, version, draft } = asked;
  const unserved = await unservedState(config, plan, service, version);
  const isAllowed = unserved === null || (draft && unserved.state !== 'retired');
  if (isAllowed) return;
  throw new AsofError('not_active', unserved.refusal?.message ?? '', {
    remedy:
      unserved.state === 'retired'
        ? 'Train on a version that is not retired.'
        : 'Train on it with --draft, which its record will say; or have it approved first.',
  });
}
