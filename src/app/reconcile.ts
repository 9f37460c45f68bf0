import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { TILE_START } from '../aggregate/tile-format.ts';
import { systemClock } from '../base/clock.ts';
import { AsofError } from '../base/errors.ts';
import { readParquet } from '../ingest/archive-relation.ts';
import { DuckDbSession } from '../ingest/duckdb-session.ts';
import type { ProjectPlan } from '../plan/plan.ts';
import { groupOf } from '../plan/plan-index.ts';
import { LOCAL_VIEWER } from '../registry/access/viewer.ts';
import { DEFAULT_NAMESPACE } from '../schema/types.ts';
import { OfflineCatalog } from '../store/offline-catalog.ts';
import type { CatalogAudit } from '../store/offline-catalog-audits.ts';
import type { PartitionState } from '../store/offline-partition.ts';
import { requireLabels, restrictedIn, viewerOf } from './access/identity.ts';
import type { Config } from './config.ts';
import { duckDbOptions } from './duckdb-options.ts';
import { appliedPlan } from './project.ts';

/** Before the name of a table, where the catalog keeps tables and groups side by side. */
const TABLE = 'table/';

/** A tile of a day that was final, as it was and as it is; null where there is none. */
export interface ChangedTile {
  readonly keys: readonly unknown[];
  /** Epoch milliseconds. */
  readonly startMs: number;
  /** Columns of the tile that differ, with their values as JSON. */
  readonly before: Readonly<Record<string, unknown>> | null;
  readonly after: Readonly<Record<string, unknown>> | null;
}

export interface ShownAudit extends CatalogAudit {
  readonly tiles: readonly ChangedTile[];
}

/** The newest first; of what whoever asks may know of. */
export async function listAudits(config: Config, limit: number): Promise<CatalogAudit[]> {
  if (viewerOf(config).readsAll) {
    return withCatalog(config, (catalog) => catalog.audits.list(limit));
  }
  const { plan } = await appliedPlan(config);
  const all = withCatalog(config, (catalog) => catalog.audits.list(-1));
  return all.filter((audit) => isVisible(config, plan, audit)).slice(0, limit);
}

/**
 * Whether whoever asks may know of a record: of a table by its name, of a tile group by its
 * namespace; of groups that are no longer applied nothing says whose they were.
 */
function isVisible(config: Config, plan: ProjectPlan, audit: CatalogAudit): boolean {
  const viewer = viewerOf(config);
  const table = tableOf(audit);
  if (table !== null) return viewer.mayRead(table);
  const group = groupOf(plan.groups, String(audit.details.group));
  return group !== undefined && viewer.has('reader', group.namespace ?? DEFAULT_NAMESPACE);
}

function tableOf({ subject }: CatalogAudit): string | null {
  return subject.startsWith(TABLE) ? subject.slice(TABLE.length) : null;
}

/** @throws AsofError `unknown_name`, `corrupt_catalog` where the record's file is not as written */
export async function showAudit(
  config: Config,
  number: number,
  limit: number,
): Promise<ShownAudit> {
  const audit = withCatalog(config, (catalog) => catalog.audits.byNumber(number));
  const viewer = viewerOf(config);
  const plan = viewer === LOCAL_VIEWER ? null : (await appliedPlan(config)).plan;
  const isKnown = plan === null || viewer.readsAll;
  if (audit === null || !(isKnown || isVisible(config, plan, audit))) {
    throw new AsofError('unknown_name', `There is no record ${number}.`, {
      remedy: 'See `asof reconcile --list`.',
    });
  }
  // Tiles hold what was measured of the source's rows.
  if (plan !== null) requireLabels(config, restrictedIn(config, plan).ofSource(sourceOf(audit)));
  // The list of tiles goes where somebody in it was forgotten; the record stays.
  const isKept = audit.path !== null && existsSync(join(config.dataDir, audit.path));
  return { ...audit, tiles: isKept ? await tilesOf(config, audit.path ?? '', limit) : [] };
}

function sourceOf(audit: CatalogAudit): string {
  return tableOf(audit) ?? String(audit.details.source);
}

async function tilesOf(config: Config, path: string, limit: number): Promise<ChangedTile[]> {
  const session = await DuckDbSession.open(duckDbOptions(config));
  const relation = readParquet([join(config.dataDir, path)]);
  try {
    const described = await session.rows(`SELECT column_name FROM (DESCRIBE FROM ${relation})`);
    const names = described.map(([name]) => String(name));
    const keys = names.filter((name) => ![TILE_START, 'before', 'after'].includes(name));
    const selected = [TILE_START, 'to_json(before)', 'to_json(after)', ...keys].join(', ');
    const rows = await session.rows(`SELECT ${selected} FROM ${relation} LIMIT ${limit}`);
    return rows.map(([start, before, after, ...values]) => ({
      keys: values,
      startMs: Number(start),
      ...differing(objectOf(before), objectOf(after), new Set([...keys, TILE_START])),
    }));
  } finally {
    session.close();
  }
}

type Fields = Readonly<Record<string, unknown>>;

function objectOf(json: unknown): Fields | null {
  const parsed: unknown = json === null ? null : JSON.parse(String(json), exactly);
  return typeof parsed === 'object' && parsed !== null ? { ...parsed } : null;
}

/** Integers beyond 2^53 keep their digits. */
function exactly(_name: string, value: unknown, context?: { readonly source?: string }): unknown {
  const { source = '' } = context ?? {};
  const isWide = typeof value === 'number' && !Number.isSafeInteger(value);
  return isWide && /^-?\d+$/.test(source) ? BigInt(source) : value;
}

function textOf(value: unknown): string {
  return JSON.stringify(value, (_name, part: unknown) =>
    typeof part === 'bigint' ? `${part}n` : part,
  );
}

function differing(
  before: Fields | null,
  after: Fields | null,
  identity: ReadonlySet<string>,
): { readonly before: Fields | null; readonly after: Fields | null } {
  const names = Object.keys(before ?? after ?? {}).filter(
    (name) => !identity.has(name) && textOf(before?.[name]) !== textOf(after?.[name]),
  );
  const only = (fields: Fields | null): Fields | null =>
    fields === null ? null : Object.fromEntries(names.map((name) => [name, fields[name]]));
  return { before: only(before), after: only(after) };
}

/** How many units of a table are in which state: their grace is looked after as days' is. */
export interface TableUnits {
  readonly table: string;
  readonly units: Readonly<Record<PartitionState, number>>;
}

/** Of the tables that whoever asks may know of. */
export function tableUnits(config: Config): TableUnits[] {
  const viewer = viewerOf(config);
  const isKnown = (subject: string): boolean => viewer.mayRead(subject.slice(TABLE.length));
  return withCatalog(config, ({ partitions }) =>
    partitions
      .subjects(TABLE)
      .filter(({ subject }) => isKnown(subject))
      .map(({ subject }) => ({
        table: subject.slice(TABLE.length),
        units: {
          provisional: partitions.inState(subject, 'provisional').length,
          final: partitions.inState(subject, 'final').length,
          dirty: partitions.inState(subject, 'dirty').length,
        },
      })),
  );
}

function withCatalog<T>(config: Config, work: (catalog: OfflineCatalog) => T): T {
  const catalog = OfflineCatalog.open(config.dataDir, systemClock);
  try {
    return work(catalog);
  } finally {
    catalog.close();
  }
}
