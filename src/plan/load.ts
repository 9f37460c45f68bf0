import { AsofError } from '../base/errors.ts';
import { deepFreeze } from '../define/node.ts';
import { parseJson } from '../schema/json.ts';
import { withLaterFields } from './former-fields.ts';
import {
  aggregateMeaning,
  dashboardHash,
  datasetHash,
  entityHash,
  eventsHash,
  groupId,
  modelHash,
  originHash,
  serviceHash,
  sourceHash,
  viewHash,
} from './hash.ts';
import type { DatasetPlan, ProjectPlan, SpinePlan, TableOriginPlan, ViewPlan } from './plan.ts';

const FORMAT = 1;

/**
 * Reads a plan from its stored JSON (`canonicalJson`). Every hash is computed again and compared,
 * so a plan that was cut short or altered is never run.
 *
 * @throws AsofError `malformed_json`, `newer_format`, `unreadable_file`
 */
export function parsePlan(text: string): ProjectPlan {
  const parsed = parseText(text);
  if (typeof parsed !== 'object' || parsed === null || !('format' in parsed)) {
    throw unreadable('it has no format');
  }
  const { format } = parsed;
  if (typeof format === 'number' && format > FORMAT) {
    throw new AsofError('newer_format', `The plan has format ${format}, newer than ${FORMAT}.`);
  }
  if (format !== FORMAT) throw unreadable(`its format is ${String(format)}`);
  const { plan, mismatch } = checked(parsed as ProjectPlan);
  if (mismatch !== null) throw unreadable(`the hash of ${mismatch} does not fit its content`);
  return deepFreeze(plan);
}

function parseText(text: string): unknown {
  try {
    return parseJson(text);
  } catch (cause) {
    throw new AsofError('malformed_json', 'The stored plan is not JSON.', { cause });
  }
}

/** The plan, and the first definition whose content its hash does not fit, or null. */
function checked(parsed: ProjectPlan): { plan: ProjectPlan; mismatch: string | null } {
  try {
    const plan = withLaterFields(parsed);
    return { plan, mismatch: mismatches(plan).next().value ?? null };
  } catch (cause) {
    // The hashes reach every field that means something: one that is missing ends here.
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw unreadable(reason, cause);
  }
}

function* mismatches(plan: ProjectPlan): Generator<string, undefined> {
  for (const source of plan.sources) {
    const { origin } = source;
    if (origin !== null && origin.hash !== storedOriginHash(origin, plan)) {
      yield `the origin of the table '${source.name}'`;
    }
    if (source.hash !== sourceHash(source)) yield `the source '${source.name}'`;
  }
  for (const entity of plan.entities) {
    if (entity.hash !== entityHash(entity)) yield `the entity '${entity.name}'`;
  }
  for (const group of plan.groups) {
    if (group.id !== groupId(group)) yield `a tile group of '${group.source}'`;
  }
  const hashes = new Map<string, string>();
  for (const view of plan.views) {
    const title = `${view.name}@${view.version}`;
    hashes.set(title, view.hash);
    if (view.hash !== storedViewHash(view, plan)) yield `the view '${title}'`;
  }
  for (const service of plan.services) {
    const hashOfView = (view: string, version: number): string =>
      hashes.get(`${view}@${version}`) ?? missing(`the view ${view}@${version}`);
    if (service.hash !== serviceHash(service, hashOfView)) {
      yield `the service '${service.name}@${service.version}'`;
    }
  }
  for (const dataset of plan.datasets) yield* datasetMismatches(dataset, plan);
  for (const model of plan.models) {
    const service = plan.services.find(
      (one) => one.name === model.service && one.version === model.serviceVersion,
    );
    const title = `${model.name}@${model.version}`;
    const hash = service?.hash ?? missing(`the service of the model ${title}`);
    if (model.hash !== modelHash(model, hash)) yield `the model '${title}'`;
  }
  for (const dashboard of plan.dashboards) {
    if (dashboard.hash !== dashboardHash(dashboard)) yield `the dashboard '${dashboard.name}'`;
  }
  return undefined;
}

function* datasetMismatches(dataset: DatasetPlan, plan: ProjectPlan): Generator<string, undefined> {
  const title = `the dataset '${dataset.name}@${dataset.version}'`;
  for (const { name, view, groups } of dataset.labels) {
    const isSound = groups.every((group) => group.id === groupId(group));
    const hash = storedViewHash(view, { ...plan, groups });
    if (!isSound || view.hash !== hash) yield `the label '${name}' of ${title}`;
  }
  const service = plan.services.find(
    ({ name, version }) => name === dataset.service && version === dataset.serviceVersion,
  );
  const meanings = {
    service: service?.hash ?? missing(`the service of ${title}`),
    spine: spineMeanings(dataset.spine, plan),
  };
  if (dataset.hash !== datasetHash(dataset, meanings)) yield title;
  return undefined;
}

function spineMeanings(spine: SpinePlan, plan: ProjectPlan): Readonly<Record<string, string>> {
  if (spine.kind === 'file') return {};
  if (spine.kind === 'query') return sourceHashes(spine.upstreams, plan);
  const source = plan.sources.find(({ name }) => name === spine.source);
  return { source: eventsHash(source ?? missing(`the source ${spine.source}`), spine) };
}

function storedOriginHash(origin: TableOriginPlan, plan: ProjectPlan): string {
  const { from } = origin;
  return originHash(origin, from.kind === 'query' ? sourceHashes(from.upstreams, plan) : {});
}

/** The hashes of sources, by the names that they are read by. */
function sourceHashes(
  read: Readonly<Record<string, string>>,
  plan: ProjectPlan,
): Readonly<Record<string, string>> {
  const hashOfSource = (wanted: string): string =>
    plan.sources.find(({ name }) => name === wanted)?.hash ?? missing(`the source ${wanted}`);
  return Object.fromEntries(
    Object.entries(read).map(([alias, source]) => [alias, hashOfSource(source)]),
  );
}

function storedViewHash(view: ViewPlan, plan: ProjectPlan): string {
  const source = plan.sources.find(({ name }) => name === view.source);
  const entity = plan.entities.find(({ name }) => name === view.entity);
  return viewHash({
    name: view.name,
    version: view.version,
    source: source ?? missing(`the source ${view.source}`),
    entity: entity ?? missing(`the entity ${view.entity}`),
    key: view.key,
    filter: view.filter,
    features: view.features.map((feature) => {
      if (feature.kind === 'derived') return feature;
      const group = plan.groups.find(({ id }) => id === feature.group);
      return aggregateMeaning(feature, group ?? missing(`the tile group of ${feature.name}`));
    }),
  });
}

function missing(what: string): never {
  throw unreadable(`${what} is missing`);
}

function unreadable(reason: string, cause?: unknown): AsofError {
  if (cause instanceof AsofError) return cause;
  return new AsofError('unreadable_file', `The stored plan cannot be used: ${reason}.`, {
    remedy: 'Run `asof apply` to write it again from the definitions.',
    cause,
  });
}
