/**
 * The forms of OpenLineage that are emitted: spec 2-0-2, and the facets with the versions that their
 * addresses name. Nothing else of the standard is.
 */
export const OPEN_LINEAGE_SPEC = 'https://openlineage.io/spec/2-0-2/OpenLineage.json';

const FACETS = 'https://openlineage.io/spec/facets';

const FACET_VERSIONS = {
  SchemaDatasetFacet: '1-2-0',
  ColumnLineageDatasetFacet: '1-2-0',
  DocumentationDatasetFacet: '1-1-0',
  OwnershipDatasetFacet: '1-0-1',
  LifecycleStateChangeDatasetFacet: '1-0-1',
  OwnershipJobFacet: '1-0-1',
  DocumentationJobFacet: '1-1-0',
  JobTypeJobFacet: '2-0-4',
  ErrorMessageRunFacet: '1-0-1',
} as const;

export interface Facet {
  readonly _producer: string;
  readonly _schemaURL: string;
  readonly [part: string]: unknown;
}

export type Facets = Readonly<Record<string, Facet>>;

/** Makes facets that say who produced them. */
export type FacetOf = (name: keyof typeof FACET_VERSIONS, content: object) => Facet;

export function facetsBy(producer: string): FacetOf {
  return (name, content) => ({
    _producer: producer,
    _schemaURL: `${FACETS}/${FACET_VERSIONS[name]}/${name}.json#/$defs/${name}`,
    ...content,
  });
}

export interface LineageDataset {
  readonly namespace: string;
  readonly name: string;
  readonly facets?: Facets;
}

export interface LineageJob {
  readonly namespace: string;
  readonly name: string;
  readonly facets?: Facets;
}

interface BaseEvent {
  /** RFC 3339, UTC. */
  readonly eventTime: string;
  readonly producer: string;
  readonly schemaURL: string;
}

export interface DatasetEvent extends BaseEvent {
  readonly dataset: LineageDataset;
}

export interface JobEvent extends BaseEvent {
  readonly job: LineageJob;
  readonly inputs: readonly LineageDataset[];
  readonly outputs: readonly LineageDataset[];
}

export interface RunEvent extends JobEvent {
  readonly eventType: 'START' | 'COMPLETE' | 'FAIL';
  readonly run: { readonly runId: string; readonly facets?: Facets };
}

export type OpenLineageEvent = DatasetEvent | JobEvent | RunEvent;

/** The address of one of the three forms of events. */
export function eventSchema(form: 'DatasetEvent' | 'JobEvent' | 'RunEvent'): string {
  return `${OPEN_LINEAGE_SPEC}#/$defs/${form}`;
}
