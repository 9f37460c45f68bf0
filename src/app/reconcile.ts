import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { TILE_START } from '../aggregate/tile-format.ts';
import { systemClock } from '../base/clock.ts';
import { AsofError } from '../base/errors.ts';
import { readParquet } from '../ingest/archive-relation.ts';
import { DuckDbSession } from '../ingest/duckdb-session.ts';
import { OfflineCatalog } from '../store/offline-catalog.ts';
import type { CatalogAudit } from '../store/offline-catalog-audits.ts';
import type { PartitionState } from '../store/offline-partition.ts';
import type { Config } from './config.ts';
import { duckDbOptions } from './duckdb-options.ts';

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

/** The newest first. */
export function listAudits(config: Config, limit: number): CatalogAudit[] {
  return withCatalog(config, (catalog) => catalog.audits.list(limit));
}

/** @throws AsofError `unknown_name`, `corrupt_catalog` where the record's file is not as written */
export async function showAudit(
  config: Config,
  number: number,
  limit: number,
): Promise<ShownAudit> {
  const audit = withCatalog(config, (catalog) => catalog.audits.byNumber(number));
  if (audit === null) {
    throw new AsofError('unknown_name', `There is no record ${number}.`, {
      remedy: 'See `asof reconcile --list`.',
    });
  }
  // The list of tiles goes where somebody in it was forgotten; the record stays.
  const isKept = audit.path !== null && existsSync(join(config.dataDir, audit.path));
  return { ...audit, tiles: isKept ? await tilesOf(config, audit.path ?? '', limit) : [] };
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

export function tableUnits(config: Config): TableUnits[] {
  return withCatalog(config, ({ partitions }) =>
    partitions.subjects('table/').map(({ subject }) => ({
      table: subject.slice('table/'.length),
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
