import type { ValueType } from '../schema/types.ts';

/**
 * What a definition as a whole can be. Lineage follows their parts; dashboards and what was trained
 * have none, and are followed themselves.
 */
export const DEFINITION_NODES = [
  'source',
  'entity',
  'view',
  'service',
  'dataset',
  'model',
  'dashboard',
  'trained',
] as const;

export type DefinitionNodeKind = (typeof DEFINITION_NODES)[number];

/**
 * A part of a definition. `rows` and `spine` stand for which rows of a source or a dataset there
 * are; `query` for what SQL makes of all that it reads, which nobody looks into.
 */
export const PART_NODES = [
  'upstream',
  'query',
  'column',
  'rows',
  'key',
  'measure',
  'feature',
  'request',
  'output',
  'on_demand',
  'spine',
  'dataset_column',
  'model_input',
] as const;

export type PartNodeKind = (typeof PART_NODES)[number];

/**
 * Where a node stands: its definition, and its part of it. A measure's definition is its tile group,
 * its part the lane.
 */
export interface LineageName {
  readonly kind: PartNodeKind | DefinitionNodeKind;
  readonly definition: string;
  /** Of views, services, datasets, models, and the number of what was trained; else null. */
  readonly version: number | null;
  /** null of definitions, and of parts that are the only one of their kind. */
  readonly part: string | null;
}

export interface LineageNode extends LineageName {
  /** `feature:fraud.spend@2.total_1h`; `parseLineageId` reads it. */
  readonly id: string;
  /** For people: of a measure what it computes, else what the id says after its kind. */
  readonly title: string;
  /** Names of the definitions that it is part of: of a measure all views that share it. */
  readonly definitions: readonly string[];
  /** The whole that it is part of, as an id; null of what belongs to several, or to none. */
  readonly whole: string | null;
  readonly type: ValueType | null;
}

interface Form {
  /** What stands before the colon. */
  readonly prefix: string;
  readonly versioned: boolean;
  /** What stands before the part; null where there is none. */
  readonly separator: '.' | '/' | null;
}

const PLAIN = { versioned: false, separator: null } as const;
const VERSIONED = { versioned: true, separator: null } as const;
const PART = { versioned: true, separator: '.' } as const;

/** Names of upstream columns are of any text, so what stands before them is told by a slash. */
const FORMS: Readonly<Record<LineageName['kind'], Form>> = {
  source: { prefix: 'source', ...PLAIN },
  entity: { prefix: 'entity', ...PLAIN },
  view: { prefix: 'view', ...VERSIONED },
  service: { prefix: 'service', ...VERSIONED },
  dataset: { prefix: 'dataset', ...VERSIONED },
  model: { prefix: 'model', ...VERSIONED },
  dashboard: { prefix: 'dashboard', ...PLAIN },
  trained: { prefix: 'trained', ...VERSIONED },
  upstream: { prefix: 'upstream', versioned: false, separator: '/' },
  query: { prefix: 'query', ...PLAIN },
  column: { prefix: 'column', versioned: false, separator: '.' },
  rows: { prefix: 'rows', ...PLAIN },
  key: { prefix: 'key', versioned: false, separator: '.' },
  measure: { prefix: 'measure', versioned: false, separator: '/' },
  feature: { prefix: 'feature', ...PART },
  request: { prefix: 'request', ...PART },
  output: { prefix: 'output', ...PART },
  on_demand: { prefix: 'on_demand', ...PART },
  spine: { prefix: 'spine', ...VERSIONED },
  dataset_column: { prefix: 'dataset', ...PART },
  model_input: { prefix: 'model', ...PART },
};

/** @example lineageId({ kind: 'column', definition: 'payments', version: null, part: 'amount' }) */
export function lineageId({ kind, definition, version, part }: LineageName): string {
  const { prefix, separator } = FORMS[kind];
  const versioned = version === null ? definition : `${definition}@${version}`;
  return part === null ? `${prefix}:${versioned}` : `${prefix}:${versioned}${separator}${part}`;
}

const DEFINITION = '(?:[a-z][a-z0-9_]*\\.)?[a-z][a-z0-9_]*';
const WITHOUT_VERSION = new RegExp(`^(${DEFINITION})$`);
const WITH_VERSION = new RegExp(`^(${DEFINITION})@([1-9][0-9]{0,8})$`);
const PART_OF_VERSION = new RegExp(`^(${DEFINITION})@([1-9][0-9]{0,8})\\.([^.@]+)$`);
const PART_OF_NAME = new RegExp(`^(${DEFINITION})\\.([^.@]+)$`);
const AFTER_SLASH = /^([^/]+)\/(.+)$/s;

/** What an id says, or null where it is none. */
export function parseLineageId(id: string): LineageName | null {
  const colon = id.indexOf(':');
  const rest = id.slice(colon + 1);
  for (const kind of KINDS_OF.get(id.slice(0, Math.max(colon, 0))) ?? []) {
    const found = patternOf(FORMS[kind]).exec(rest);
    if (found === null) continue;
    const [, definition = '', second = null, third = null] = found;
    if (!FORMS[kind].versioned) return { kind, definition, version: null, part: second };
    return { kind, definition, version: Number(second), part: third };
  }
  return null;
}

function patternOf({ versioned, separator }: Form): RegExp {
  if (separator === '/') return AFTER_SLASH;
  if (versioned) return separator === null ? WITH_VERSION : PART_OF_VERSION;
  return separator === null ? WITHOUT_VERSION : PART_OF_NAME;
}

const KINDS_OF = new Map<string, LineageName['kind'][]>();
for (const kind of [...DEFINITION_NODES, ...PART_NODES]) {
  const { prefix } = FORMS[kind];
  KINDS_OF.set(prefix, [...(KINDS_OF.get(prefix) ?? []), kind]);
}
