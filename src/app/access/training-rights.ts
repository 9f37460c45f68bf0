import type { SpineSource } from '../../batch/spines/spine-input.ts';
import type { DatasetPlan, ProjectPlan } from '../../plan/plan.ts';
import { LOCAL_VIEWER } from '../../registry/access/viewer.ts';
import type { DatasetManifest } from '../../registry/dataset-manifest.ts';
import type { Config } from '../config.ts';
import { requireLabels, restrictedIn, viewerOf } from './identity.ts';

/** What a training set would show. */
export interface AskedTraining {
  readonly service: string;
  /** null: the newest. */
  readonly version: number | null;
  readonly spine: SpineSource;
}

/**
 * The plan by which whoever asks may make a spine: sources that they may not read are not there.
 * @throws AsofError `forbidden` where the service or the spine would show restricted columns
 */
export function spinePlanFor(config: Config, plan: ProjectPlan, asked: AskedTraining): ProjectPlan {
  const viewer = viewerOf(config);
  if (viewer === LOCAL_VIEWER) return plan;
  const restricted = restrictedIn(config, plan);
  const versions = plan.services.filter(({ name }) => name === asked.service);
  const version = asked.version ?? Math.max(0, ...versions.map((one) => one.version));
  requireLabels(
    config,
    restricted.ofServiceNamed(asked.service, (one) => one === version),
  );
  const sources = viewer.visible(plan.sources);
  for (const { name } of sources) {
    if (mentions(asked.spine, name)) requireLabels(config, restricted.ofSource(name));
  }
  return { ...plan, sources };
}

/** Nobody looks into SQL: a source that it names, it may show as a whole. */
function mentions(spine: SpineSource, source: string): boolean {
  if ('events' in spine) return spine.events.source === source;
  if (!('query' in spine)) return false;
  const { sql, upstreams } = spine.query;
  if (upstreams !== null) return Object.values(upstreams).includes(source);
  return sql.toLowerCase().includes(source.slice(source.indexOf('.') + 1));
}

/** @throws AsofError `forbidden` where the labels of a defined training set are restricted */
export function requireDatasetLabels(
  config: Config,
  plan: ProjectPlan,
  definition: DatasetPlan,
): void {
  const service = plan.services.find(
    ({ name, version }) => name === definition.service && version === definition.serviceVersion,
  );
  if (service === undefined) return;
  requireLabels(config, restrictedIn(config, plan).ofDataset(definition, service));
}

/**
 * Of a recorded training set, whose statistics and rows tell of its columns.
 * @throws AsofError `forbidden`
 */
export function requireRecordedLabels(
  config: Config,
  plan: ProjectPlan,
  { service, definition, spine }: Pick<DatasetManifest, 'service' | 'definition' | 'spine'>,
): void {
  const restricted = restrictedIn(config, plan);
  requireLabels(
    config,
    restricted.ofServiceNamed(service.name, (version) => version === service.version),
  );
  const defined = plan.datasets.find(
    ({ name, version }) => name === definition?.name && version === definition.version,
  );
  if (defined !== undefined) requireDatasetLabels(config, plan, defined);
  if (spine.kind === 'events') requireLabels(config, restricted.ofSource(spine.origin));
  if (spine.kind === 'query') {
    const asked = { query: { sql: spine.origin, upstreams: null, files: {} } };
    for (const { name } of plan.sources) {
      if (mentions(asked, name)) requireLabels(config, restricted.ofSource(name));
    }
  }
}
