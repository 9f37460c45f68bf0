import type { ReleasedVersion } from '../plan/impact.ts';
import type { ProjectPlan, ServicePlan, ViewPlan } from '../plan/plan.ts';
import type { Registry } from '../registry/registry.ts';
import { servingStates } from '../registry/serving-states.ts';

/** What decides which versions answer. */
export type LiveBooks = Pick<Registry, 'releases' | 'lifecycle'>;

/**
 * The version of a service that answers requests which name none: the live one, or the newest of
 * those that are served at all; null where none is.
 */
export async function liveService(
  plan: ProjectPlan,
  { releases, lifecycle }: LiveBooks,
  name: string,
): Promise<ServicePlan | null> {
  const served = new Set(
    servingStates(plan, await lifecycle.states())
      .filter(({ service, refusal }) => service === name && refusal === null)
      .map(({ version }) => version),
  );
  const versions = plan.services
    .filter((service) => service.name === name && served.has(service.version))
    .toSorted((a, b) => b.version - a.version);
  const live = (await releases.of(name))?.live;
  return versions.find((service) => service.version === live) ?? versions[0] ?? null;
}

/** What answers callers now, of every service: the live version, and the canary where there is one. */
export async function answeringVersions(
  plan: ProjectPlan | null,
  { releases, lifecycle }: LiveBooks,
): Promise<ReleasedVersion[]> {
  if (plan === null) return [];
  const published = new Map((await releases.current()).map((one) => [one.service, one]));
  const served = new Map<string, number[]>();
  for (const { service, version, refusal } of servingStates(plan, await lifecycle.states())) {
    if (refusal === null) served.set(service, [...(served.get(service) ?? []), version]);
  }
  return [...served].flatMap(([service, versions]): ReleasedVersion[] => {
    const { live = null, canary = null } = published.get(service) ?? {};
    const isServed = live !== null && versions.includes(live);
    return [
      { service, version: isServed ? live : Math.max(...versions), as: 'live' },
      ...(canary === null ? [] : [{ service, version: canary, as: 'canary' } as const]),
    ];
  });
}

/** The newest version of a view that a live service reads, or null. */
export async function liveView(
  plan: ProjectPlan,
  books: LiveBooks,
  name: string,
): Promise<ViewPlan | null> {
  const services = [...new Set(plan.services.map((service) => service.name))];
  const live = await Promise.all(services.map((service) => liveService(plan, books, service)));
  const read = live
    .flatMap((service) => service?.features ?? [])
    .filter((output) => output.view === name)
    .map((output) => output.version);
  const version = Math.max(...read);
  return plan.views.find((view) => view.name === name && view.version === version) ?? null;
}

export function viewOf(plan: ProjectPlan, name: string, version: number): ViewPlan | null {
  return plan.views.find((view) => view.name === name && view.version === version) ?? null;
}
