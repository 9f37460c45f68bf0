import { AsofError } from '../base/errors.ts';
import {
  aggregateMeaning,
  dashboardHash,
  datasetHash,
  eventsHash,
  functionDigest,
  groupId,
  modelHash,
  originHash,
  serviceHash,
  viewHash,
} from './hash.ts';
import type {
  DashboardPlan,
  DatasetPlan,
  EntityPlan,
  ModelPlan,
  ProjectPlan,
  ServicePlan,
  SourcePlan,
  SpinePlan,
  TableOriginPlan,
  TileGroupPlan,
  ViewPlan,
} from './plan.ts';

interface Versioned {
  readonly name: string;
  readonly version: number;
}

/** Finds the parts of a plan by what names them, however many there are. */
class PlanIndex {
  readonly sources: ReadonlyMap<string, SourcePlan>;
  readonly entities: ReadonlyMap<string, EntityPlan>;
  readonly groups: ReadonlyMap<string, TileGroupPlan>;
  readonly views: ReadonlyMap<string, ViewPlan>;
  readonly services: ReadonlyMap<string, ServicePlan>;

  constructor(plan: ProjectPlan) {
    const title = ({ name, version }: Versioned): string => `${name}@${version}`;
    this.sources = new Map(plan.sources.map((one) => [one.name, one]));
    this.entities = new Map(plan.entities.map((one) => [one.name, one]));
    this.groups = new Map(plan.groups.map((one) => [one.id, one]));
    this.views = new Map(plan.views.map((one) => [title(one), one]));
    this.services = new Map(plan.services.map((one) => [title(one), one]));
  }
}

/**
 * What the hashes of a plan's definitions have to be, by all that they read in it.
 * @throws AsofError `unreadable_file`, by each method, where something that is read is missing
 */
export class StoredHashes {
  readonly #index: PlanIndex;

  constructor(plan: ProjectPlan) {
    this.#index = new PlanIndex(plan);
  }

  origin(origin: TableOriginPlan): string {
    const { from } = origin;
    return originHash(origin, from.kind === 'query' ? this.#sourceHashes(from.upstreams) : {});
  }

  /** `groups`: of a label, which has its own. */
  view(view: ViewPlan, groups = this.#index.groups): string {
    const source = this.#index.sources.get(view.source);
    const entity = this.#index.entities.get(view.entity);
    return viewHash({
      name: view.name,
      version: view.version,
      source: source ?? missing(`the source ${view.source}`),
      entity: entity ?? missing(`the entity ${view.entity}`),
      key: view.key,
      filter: view.filter,
      features: view.features.map((feature) => {
        if (feature.kind === 'derived') return feature;
        const group = groups.get(feature.group);
        return aggregateMeaning(feature, group ?? missing(`the tile group of ${feature.name}`));
      }),
    });
  }

  service(service: ServicePlan): string {
    for (const one of service.functions ?? []) {
      if (one.digest !== functionDigest(one)) missing(`what the function ${one.name} was`);
    }
    return serviceHash(service, (name, version) => {
      const view = this.#index.views.get(`${name}@${version}`);
      return view?.hash ?? missing(`the view ${name}@${version}`);
    });
  }

  /** The name of the first label whose content its hashes do not fit, or null. */
  unsoundLabel({ labels }: DatasetPlan): string | null {
    const unsound = labels.find(({ view, groups }) => {
      const isSound = groups.every((group) => group.id === groupId(group));
      const byId = new Map(groups.map((group) => [group.id, group]));
      return !isSound || view.hash !== this.view(view, byId);
    });
    return unsound?.name ?? null;
  }

  dataset(dataset: DatasetPlan): string {
    const service = this.#service(dataset, `the dataset '${dataset.name}@${dataset.version}'`);
    return datasetHash(dataset, { service, spine: this.#spine(dataset.spine) });
  }

  model(model: ModelPlan): string {
    return modelHash(model, this.#service(model, `the model '${model.name}@${model.version}'`));
  }

  dashboard(dashboard: DashboardPlan): string {
    for (const { view, version } of dashboard.reads) {
      if (!this.#index.views.has(`${view}@${version}`)) missing(`the view ${view}@${version}`);
    }
    return dashboardHash(dashboard);
  }

  #service({ service, serviceVersion }: Pick<ModelPlan, 'service' | 'serviceVersion'>, of: string) {
    const found = this.#index.services.get(`${service}@${serviceVersion}`);
    return found?.hash ?? missing(`the service of ${of}`);
  }

  #spine(spine: SpinePlan): Readonly<Record<string, string>> {
    if (spine.kind === 'file') return {};
    if (spine.kind === 'query') return this.#sourceHashes(spine.upstreams);
    const source = this.#index.sources.get(spine.source);
    return { source: eventsHash(source ?? missing(`the source ${spine.source}`), spine) };
  }

  /** The hashes of sources, by the names that they are read by. */
  #sourceHashes(read: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
    return Object.fromEntries(
      Object.entries(read).map(([alias, name]) => {
        const source = this.#index.sources.get(name);
        return [alias, source?.hash ?? missing(`the source ${name}`)];
      }),
    );
  }
}

function missing(what: string): never {
  throw unreadablePlan(`${what} is missing`);
}

export function unreadablePlan(reason: string, cause?: unknown): AsofError {
  if (cause instanceof AsofError) return cause;
  return new AsofError('unreadable_file', `The stored plan cannot be used: ${reason}.`, {
    remedy: 'Run `asof apply` to write it again from the definitions.',
    cause,
  });
}
