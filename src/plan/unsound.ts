import { AsofError } from '../base/errors.ts';
import type { ProjectPlan } from './plan.ts';
import { definitionId } from './references.ts';
import { StoredHashes } from './stored-hashes.ts';

/** Ids of the definitions of a plan that do not fit their hash, or lack something that they read. */
export function unsoundDefinitions(plan: ProjectPlan): ReadonlySet<string> {
  const stored = new StoredHashes(plan);
  const unsound = new Set<string>();
  const check = (id: string, isSound: () => boolean): void => {
    if (!fits(isSound)) unsound.add(id);
  };
  for (const { name, origin } of plan.sources) {
    if (origin === null) continue;
    check(definitionId('source', name, null), () => stored.origin(origin) === origin.hash);
  }
  for (const one of plan.views) {
    check(definitionId('view', one.name, one.version), () => stored.view(one) === one.hash);
  }
  for (const one of plan.services) {
    check(definitionId('service', one.name, one.version), () => stored.service(one) === one.hash);
  }
  for (const one of plan.datasets) {
    const isSound = (): boolean =>
      stored.unsoundLabel(one) === null && stored.dataset(one) === one.hash;
    check(definitionId('dataset', one.name, one.version), isSound);
  }
  const datasets = new Set(plan.datasets.map(({ name, version }) => `${name}@${version}`));
  for (const one of plan.models) {
    // What a model was trained on is no part of its hash but by name.
    const { trainedOn } = one;
    const isKnown =
      trainedOn === undefined || datasets.has(`${trainedOn.dataset}@${trainedOn.version}`);
    const isSound = (): boolean => isKnown && stored.model(one) === one.hash;
    check(definitionId('model', one.name, one.version), isSound);
  }
  for (const one of plan.dashboards) {
    check(definitionId('dashboard', one.name, null), () => stored.dashboard(one) === one.hash);
  }
  return unsound;
}

/** Something that is missing fits nothing. */
function fits(check: () => boolean): boolean {
  try {
    return check();
  } catch (error) {
    if (error instanceof AsofError) return false;
    throw error;
  }
}
