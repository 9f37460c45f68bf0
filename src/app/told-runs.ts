import { upstreamDatasets } from '../plan/openlineage.ts';
import { datasetName } from '../plan/openlineage-columns.ts';
import type { LineageDataset } from '../plan/openlineage-form.ts';
import type { ProjectPlan, ServicePlan } from '../plan/plan.ts';
import { namespaceOf } from '../schema/types.ts';
import type { ToldRun } from './tell-lineage.ts';

/** Which job a command is, from what to what. A name that is not applied is told as it was given. */
type Describe = (plan: ProjectPlan) => ToldRun;

function jobOf(command: string, names: readonly string[]): ToldRun['job'] {
  const [first = ''] = names;
  const spaces = new Set(names.map(namespaceOf));
  const namespace = spaces.size === 1 ? namespaceOf(first) : 'default';
  return { namespace: `asof://${namespace}`, name: [command, ...names].join('/') };
}

export function importRun(source: string, paths: readonly string[]): Describe {
  return () => ({
    job: jobOf('import', [source]),
    inputs: paths.map((name) => ({ namespace: 'file', name })),
    outputs: [datasetName('source', source, null)],
  });
}

export function materializeRun(tables: readonly string[] | 'all'): Describe {
  return (plan) => {
    const made = plan.sources.filter(
      ({ name, origin }) => origin !== null && (tables === 'all' || tables.includes(name)),
    );
    return {
      job: jobOf('materialize', tables === 'all' ? [] : tables),
      inputs: distinct(made.flatMap((source) => upstreamDatasets(source, {}))),
      outputs: made.map(({ name }) => datasetName('source', name, null)),
    };
  };
}

/** Of a view, of a version of it, or of all. */
export function backfillRun(selector: string | null): Describe {
  return ({ views }) => {
    const [name = '', version] = (selector ?? '').split('@');
    const built = views.filter((view) => {
      if (selector === null) return true;
      return view.name === name && (version === undefined || String(view.version) === version);
    });
    return {
      job: jobOf('backfill', selector === null ? [] : [name]),
      inputs: distinct(built.map(({ source }) => datasetName('source', source, null))),
      outputs: built.map((view) => datasetName('view', view.name, view.version)),
    };
  };
}

/** A training set of a service version, of the newest where none is named. */
export function trainRun(
  name: string,
  service: Pick<ServicePlan, 'name'> & { readonly version: number | undefined },
  out: string,
): Describe {
  return ({ sources, views, services }) => {
    const plan = services
      .filter(({ name, version }) => {
        return name === service.name && (service.version ?? version) === version;
      })
      .at(-1);
    const read = new Set(
      (plan?.features ?? []).flatMap(({ view, version }) =>
        views
          .filter((one) => one.name === view && one.version === version)
          .map((one) => one.source),
      ),
    );
    return {
      job: jobOf('train', [name]),
      inputs: [
        datasetName('service', service.name, plan?.version ?? service.version ?? null),
        ...sources
          .filter((one) => read.has(one.name))
          .map((one) => datasetName('source', one.name, null)),
      ],
      outputs: [{ namespace: 'file', name: out }],
    };
  };
}

function distinct(datasets: readonly LineageDataset[]): LineageDataset[] {
  return [...new Map(datasets.map((one) => [`${one.namespace} ${one.name}`, one])).values()];
}
