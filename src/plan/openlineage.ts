import { typeText } from '../schema/types.ts';
import { Lineage } from './lineage.ts';
import type { LineageNode } from './lineage-node.ts';
import { datasetName, fieldsOf, inputFieldsOf } from './openlineage-columns.ts';
import {
  type DatasetEvent,
  eventSchema,
  type FacetOf,
  type Facets,
  facetsBy,
  type JobEvent,
  type LineageDataset,
} from './openlineage-form.ts';
import type { DatasetPlan, Meta, ProjectPlan, ServicePlan, SourcePlan, ViewPlan } from './plan.ts';
import { definitionsIn } from './references.ts';

/** What events say of whoever emits them, and when. */
export interface EventContext {
  readonly producer: string;
  /** RFC 3339, UTC. */
  readonly eventTime: string;
  /** Where a connection to PostgreSQL leads: `postgres://host:port`, and its database. */
  readonly postgresOf?: (connection: string) => { namespace: string; database: string } | null;
}

/** Which definitions are told of: all, or those that an apply changed; what is not there was dropped. */
export interface Told {
  readonly kind: string;
  readonly name: string;
  readonly version: number | null;
}

/** Every definition of a plan as OpenLineage tells it; with `told` those alone. Pure. */
export function definitionEvents(
  plan: ProjectPlan,
  context: EventContext,
  told: readonly Told[] | null = null,
): (DatasetEvent | JobEvent)[] {
  const wanted = told === null ? null : new Set(told.map(titleOf));
  const isTold = (kind: string, name: string, version: number | null): boolean =>
    wanted === null || wanted.has(titleOf({ kind, name, version }));
  const writer = new EventWriter(plan, context);
  const there = new Set(definitionsIn(plan).map(titleOf));
  return [
    ...(told ?? []).filter((one) => !there.has(titleOf(one))).flatMap(writer.dropped),
    ...plan.sources.filter(({ name }) => isTold('source', name, null)).flatMap(writer.source),
    ...plan.views.filter((one) => isTold('view', one.name, one.version)).map(writer.view),
    ...plan.services.filter((one) => isTold('service', one.name, one.version)).map(writer.service),
    ...plan.datasets.filter((one) => isTold('dataset', one.name, one.version)).map(writer.dataset),
    ...plan.models
      .filter((one) => isTold('model', one.name, one.version))
      .map(({ name, version, service, serviceVersion, meta }) =>
        writer.job('model', name, version, meta, [datasetName('service', service, serviceVersion)]),
      ),
    ...plan.dashboards
      .filter(({ name }) => isTold('dashboard', name, null))
      .map(({ name, meta, reads }) => {
        const views = reads.map(({ view, version }) => datasetName('view', view, version));
        return writer.job('dashboard', name, null, meta, distinct(views));
      }),
  ];
}

function titleOf({ kind, name, version }: Told): string {
  return `${kind} ${name}@${version}`;
}

function distinct(datasets: readonly LineageDataset[]): LineageDataset[] {
  return [...new Map(datasets.map((one) => [`${one.namespace} ${one.name}`, one])).values()];
}

class EventWriter {
  readonly #context: EventContext;
  readonly #lineage: Lineage;
  readonly #facet: FacetOf;

  constructor(plan: ProjectPlan, context: EventContext) {
    this.#context = context;
    this.#lineage = Lineage.of(plan);
    this.#facet = facetsBy(context.producer);
  }

  /** A stream is a dataset; a table is one that a job makes of its upstream. */
  readonly source = (source: SourcePlan): (DatasetEvent | JobEvent)[] => {
    const { name, meta } = source;
    const dataset = {
      ...datasetName('source', name, null),
      facets: { ...this.#schema('source', name, null), ...this.#described(meta) },
    };
    const event: DatasetEvent = { ...this.#base('DatasetEvent'), dataset };
    if (source.origin === null) return [event];
    const inputs = upstreamDatasets(source, this.#context);
    const columnLineage = this.#upstreamLineage(source, inputs);
    const made = { ...dataset, facets: { ...dataset.facets, columnLineage } };
    return [event, this.job('materialize', name, null, meta, inputs, [made])];
  };

  /** What is gone, where it was a dataset. */
  readonly dropped = ({ kind, name, version }: Told): DatasetEvent[] => {
    const made = (['source', 'view', 'service', 'dataset'] as const).find((one) => one === kind);
    if (made === undefined) return [];
    const change = { lifecycleStateChange: 'DROP' };
    const lifecycleStateChange = this.#facet('LifecycleStateChangeDatasetFacet', change);
    const dataset = { ...datasetName(made, name, version), facets: { lifecycleStateChange } };
    return [{ ...this.#base('DatasetEvent'), dataset }];
  };

  readonly view = (view: ViewPlan): JobEvent => {
    const { name, version, meta, source } = view;
    return this.#made('view', name, version, meta, [datasetName('source', source, null)]);
  };

  readonly service = ({ name, version, meta, features }: ServicePlan): JobEvent => {
    const views = features.map((one) => datasetName('view', one.view, one.version));
    return this.#made('service', name, version, meta, distinct(views));
  };

  readonly dataset = (dataset: DatasetPlan): JobEvent => {
    const { name, version, meta, service, serviceVersion, labels, spine } = dataset;
    const read = [
      ...labels.map(({ view }) => view.source),
      ...(spine.kind === 'events' ? [spine.source] : []),
      ...(spine.kind === 'query' ? Object.values(spine.upstreams) : []),
    ];
    const inputs = [
      datasetName('service', service, serviceVersion),
      ...read.map((source) => datasetName('source', source, null)),
    ];
    return this.#made('dataset', name, version, meta, distinct(inputs));
  };

  job(
    kind: 'view' | 'service' | 'dataset' | 'model' | 'dashboard' | 'materialize',
    name: string,
    version: number | null,
    meta: Meta,
    inputs: readonly LineageDataset[],
    outputs: readonly LineageDataset[] = [],
  ): JobEvent {
    const { namespace, name: path } = datasetName(
      kind === 'materialize' ? 'source' : kind,
      name,
      version,
    );
    const jobType = this.#facet('JobTypeJobFacet', {
      processingType: kind === 'view' || kind === 'service' ? 'STREAMING' : 'BATCH',
      integration: 'ASOF',
      jobType: kind.toUpperCase(),
    });
    const owners = ownersOf(meta);
    const facets: Facets = {
      jobType,
      ...(owners === null ? {} : { ownership: this.#facet('OwnershipJobFacet', owners) }),
      ...(meta.description === null
        ? {}
        : {
            documentation: this.#facet('DocumentationJobFacet', { description: meta.description }),
          }),
    };
    const named = kind === 'materialize' ? `materialize/${name}` : path;
    return { ...this.#base('JobEvent'), job: { namespace, name: named, facets }, inputs, outputs };
  }

  /** What is made is a dataset of the name of the job that makes it. */
  #made(
    kind: 'view' | 'service' | 'dataset',
    name: string,
    version: number,
    meta: Meta,
    inputs: readonly LineageDataset[],
  ): JobEvent {
    const facets = {
      ...this.#schema(kind, name, version),
      columnLineage: this.#columnLineage(fieldsOf(this.#lineage, kind, name, version)),
      ...this.#described(meta),
    };
    const output = { ...datasetName(kind, name, version), facets };
    return this.job(kind, name, version, meta, inputs, [output]);
  }

  /** Of a table: its columns are those of files or of PostgreSQL, or whatever a query makes. */
  #upstreamLineage(source: SourcePlan, inputs: readonly LineageDataset[]) {
    const nodes = fieldsOf(this.#lineage, 'source', source.name, null);
    if (source.origin?.from.kind === 'query') return this.#columnLineage(nodes);
    const transformations = [
      { type: 'DIRECT', subtype: 'IDENTITY', description: '', masking: false },
    ];
    const fields = nodes.flatMap(({ id, part }) => {
      const [upstream] = this.#lineage.upstreamOf([id], { depth: 1 }).nodes;
      const inputFields = inputs.map(({ namespace, name }) => {
        return { namespace, name, field: upstream?.part ?? part, transformations };
      });
      return part === null ? [] : [[part, { inputFields }]];
    });
    return this.#facet('ColumnLineageDatasetFacet', { fields: Object.fromEntries(fields) });
  }

  #columnLineage(fields: readonly LineageNode[]) {
    return this.#facet('ColumnLineageDatasetFacet', {
      fields: Object.fromEntries(
        fields.map((node) => [node.part, { inputFields: inputFieldsOf(this.#lineage, node) }]),
      ),
    });
  }

  #schema(kind: 'source' | 'view' | 'service' | 'dataset', name: string, version: number | null) {
    const fields = fieldsOf(this.#lineage, kind, name, version).map(({ part, type }) => ({
      name: part,
      ...(type === null ? {} : { type: typeText(type) }),
    }));
    return { schema: this.#facet('SchemaDatasetFacet', { fields }) };
  }

  #described(meta: Meta): Facets {
    const { description } = meta;
    const owners = ownersOf(meta);
    return {
      ...(owners === null ? {} : { ownership: this.#facet('OwnershipDatasetFacet', owners) }),
      ...(description === null
        ? {}
        : { documentation: this.#facet('DocumentationDatasetFacet', { description }) }),
    };
  }

  #base<Form extends 'DatasetEvent' | 'JobEvent'>(form: Form) {
    const { eventTime, producer } = this.#context;
    return { eventTime, producer, schemaURL: eventSchema(form) };
  }
}

function ownersOf({ owner }: Meta): { owners: object[] } | null {
  return owner === null ? null : { owners: [{ name: owner, type: 'OWNER' }] };
}

/** Upstream datasets by the rules of OpenLineage for names: files, object storage, PostgreSQL. */
export function upstreamDatasets(
  { origin }: SourcePlan,
  { postgresOf }: Pick<EventContext, 'postgresOf'>,
): LineageDataset[] {
  const from = origin?.from;
  if (from === undefined) return [];
  if (from.kind === 'query') {
    return distinct(
      Object.values(from.upstreams).map((source) => datasetName('source', source, null)),
    );
  }
  if (from.kind === 'files') return from.paths.map(fileDataset);
  const address = postgresOf?.(from.connection) ?? {
    namespace: `postgres://${from.connection}`,
    database: from.connection,
  };
  const table = from.table ?? 'query';
  const qualified = table.includes('.') || from.table === null ? table : `public.${table}`;
  return [{ namespace: address.namespace, name: `${address.database}.${qualified}` }];
}

function fileDataset(path: string): LineageDataset {
  const remote = /^([a-z0-9]+:\/\/[^/]+)\/(.*)$/.exec(path);
  if (remote === null) return { namespace: 'file', name: path };
  return { namespace: remote[1] ?? '', name: remote[2] ?? '' };
}
