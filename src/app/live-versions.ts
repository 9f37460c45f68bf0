import type { ProjectPlan, ServicePlan, ViewPlan } from '../plan/plan.ts';
import type { ReleaseBook } from '../registry/releases.ts';

/** The version of a service that answers requests which name none: the live one, or the newest. */
export async function liveService(
  plan: ProjectPlan,
  releases: ReleaseBook,
  name: string,
): Promise<ServicePlan | null> {
  const versions = plan.services
    .filter((service) => service.name === name)
    .toSorted((a, b) => b.version - a.version);
  const live = (await releases.of(name))?.live;
  return versions.find((service) => service.version === live) ?? versions[0] ?? null;
}

/** The newest version of a view that a live service reads, or null. */
export async function liveView(
  plan: ProjectPlan,
  releases: ReleaseBook,
  name: string,
): Promise<ViewPlan | null> {
  const services = [...new Set(plan.services.map((service) => service.name))];
  const live = await Promise.all(services.map((service) => liveService(plan, releases, service)));
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
