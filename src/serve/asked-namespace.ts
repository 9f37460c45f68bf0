import type { ProjectPlan } from '../plan/plan.ts';
import { namespaceOf } from '../schema/types.ts';
import type { FeatureRequest } from './answer-sink.ts';

/** Of the service, or of the first view, that a request reads; null where there is none. */
export function askedNamespace(
  { services, models, views }: ProjectPlan,
  { service, model: title, features }: Pick<FeatureRequest, 'service' | 'model' | 'features'>,
): string | null {
  const [first] = features ?? [];
  const model =
    title === undefined ? undefined : models.find((one) => `${one.name}@${one.version}` === title);
  const wanted = first?.view ?? service ?? model?.service;
  const known = first === undefined ? services : views;
  const found = known.find(({ name }) => name === wanted);
  return found === undefined ? null : namespaceOf(found.name);
}
