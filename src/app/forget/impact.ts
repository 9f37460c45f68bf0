import type { KeyPlace } from '../../ingest/forget/key-rule.ts';
import { samePlace } from '../../ingest/forget/key-rule.ts';
import type { ProjectPlan, TileGroupPlan } from '../../plan/plan.ts';
import type { ForgetJob } from './job.ts';
import { emptiedColumns, looksAt, type Plans, placesOf, sourcesOf } from './places.ts';

/** Whether the values of other keys in a group may change by what goes. */
export type Touches = (group: TileGroupPlan) => boolean;

/**
 * Others' values are as they were: what is taken out was of nobody else, or stays without the
 * person. But where rows go that were somebody else's too, or values look at what is emptied, they
 * are those of a history without it.
 */
export function touchedBy(
  job: ForgetJob,
  plans: Plans,
  gone: readonly KeyPlace[],
  affected: ReadonlySet<string>,
): Touches {
  const sources = sourcesOf(plans);
  const places = placesOf(plans);
  return (group) => {
    const { source, entity, keyColumns: columns } = group;
    if (!affected.has(source)) return false;
    // What a place of the group's own takes out was of the person's own key.
    const others = gone.filter(
      (place) => place.source === source && !samePlace(place, { source, entity, columns }),
    );
    if (others.length === 0 || job.shared === 'remove') return others.length > 0;
    const all = places.filter((place) => place.source === source);
    const emptied = emptiedColumns(sources.get(source), others, all);
    return columns.some((column) => emptied.includes(column)) || looksAt(group, emptied);
  };
}

/** The groups that a service reads. */
export function groupsOfService(plan: ProjectPlan, name: string, version: number): TileGroupPlan[] {
  const service = plan.services.find((one) => one.name === name && one.version === version);
  const views = new Set(service?.features.map(({ view, version: of }) => `${view}@${of}`));
  const ids = plan.views
    .filter((view) => views.has(`${view.name}@${view.version}`))
    .flatMap(({ features }) =>
      features.flatMap((one) => (one.kind === 'aggregate' ? one.group : [])),
    );
  return plan.groups.filter(({ id }) => ids.includes(id));
}

/** `name@version` of services whose older answers cannot be proven any more. */
export function unprovableServices(plans: Plans, touches: Touches): Set<string> {
  return new Set(
    plans.flatMap((plan) =>
      plan.services
        .filter(({ name, version }) => groupsOfService(plan, name, version).some(touches))
        .map(({ name, version }) => `${name}@${version}`),
    ),
  );
}

/** Models that were, or may have been, trained on what a service gave. */
export function modelsOf(plans: Plans, services: ReadonlySet<string>): string[] {
  const found = plans.flatMap(({ models }) =>
    models
      .filter(({ service, serviceVersion }) => services.has(`${service}@${serviceVersion}`))
      .map(({ name, version }) => `${name}@${version}`),
  );
  return [...new Set(found)].sort();
}

/** Copies that are not in the data directory: what asof knows of them is their names. */
export function copiesElsewhere(
  plans: Plans,
  affected: ReadonlySet<string>,
  connectors: readonly { readonly name: string; readonly source: string }[],
): string[] {
  const tables = [...sourcesOf(plans).values()].flatMap(({ name, origin }) =>
    origin === null || !affected.has(name)
      ? []
      : [`what the table ${name} is made from (${origin.from.kind}): remove the person there too`],
  );
  const read = connectors
    .filter(({ source }) => affected.has(source))
    .map(({ name, source }) => `what the connector ${name} reads into ${source}`);
  const copies = ['backups and copies of the data directory', 'files that were exported from it'];
  return [...tables, ...read, ...copies];
}
