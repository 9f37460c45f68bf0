import type { RestrictedParts } from '../registry/access/access-snapshot.ts';
import type { Viewer } from '../registry/access/viewer.ts';
import type { FunctionsStatus } from './function-status.ts';
import type { SourceStatus } from './source-status.ts';
import type { PlatformStatus } from './status.ts';

/** What a reader of some namespaces sees; the rest is of the whole process, and absent. */
export type VisibleStatus = Pick<
  PlatformStatus,
  'state' | 'asOfMs' | 'sources' | 'connectors' | 'views' | 'services' | 'models' | 'tenants'
> &
  Partial<PlatformStatus>;

/**
 * The status as a viewer may know it: what is of other namespaces is left out, and so are positions
 * and totals, which tell how much other teams do. What is new in the status is hidden until it is
 * named here.
 */
export function visibleStatus(
  status: PlatformStatus,
  viewer: Viewer,
  restricted: RestrictedParts,
): VisibleStatus {
  const sources = viewer.visible(status.sources).map((source) => {
    return restricted.isEmpty ? source : withoutKeys(source, viewer, restricted);
  });
  if (viewer.readsAll) {
    const { functions } = status;
    const shown = functions === undefined || restricted.isEmpty;
    return {
      ...{ ...status, sources },
      ...(shown ? {} : { functions: withoutReasons(functions, viewer, restricted) }),
    };
  }
  const { state, asOfMs, connectors, views, services, models, tenants } = status;
  return {
    state,
    asOfMs,
    sources,
    connectors: connectors.filter(({ source }) => viewer.mayRead(source)),
    views: viewer.visible(views),
    services: viewer.visible(services),
    tenants: tenants.filter(({ namespace }) => viewer.mayRead(`${namespace}.*`)),
    models: models.filter(({ model }) => viewer.mayRead(model)),
  };
}

/** Why a function failed is its own text, made of whatever the service reads. */
function withoutReasons(
  all: FunctionsStatus,
  { principal }: Viewer,
  restricted: RestrictedParts,
): FunctionsStatus {
  const mayShow = (service: string): boolean =>
    principal.kind === 'local' ||
    restricted.ofServiceNamed(service).every(({ label }) => principal.labels.includes(label));
  const functions = all.functions.map((one) =>
    mayShow(one.service) ? one : { ...one, lastFailure: null },
  );
  return { ...all, functions };
}

/** Hot keys are values of columns. */
function withoutKeys(
  source: SourceStatus,
  { principal }: Viewer,
  restricted: RestrictedParts,
): SourceStatus {
  const mayShow = (column: string): boolean =>
    principal.kind === 'local' ||
    [...restricted.ofColumn(source.name, column)].every((one) => principal.labels.includes(one));
  return {
    ...source,
    hotKeys: source.hotKeys.map((keys) =>
      keys.keyColumns.every(mayShow) ? keys : { ...keys, hottest: [] },
    ),
  };
}
