import { createHmac } from 'node:crypto';
import { sqlName, sqlString } from '../../ingest/archive-relation.ts';
import type { DuckDbSession } from '../../ingest/duckdb-session.ts';
import type { GonePlace, KeyPlace, RowRule } from '../../ingest/forget/key-rule.ts';
import type { ForgetJob } from './job.ts';
import {
  addPlace,
  columnType,
  type Plans,
  personalColumns,
  placesOf,
  sourcesOf,
} from './places.ts';
import type { Subject } from './subjects.ts';

/** What a column of a source holds for a value that people know: itself, or tokens for it. */
export type StoredValues = (source: string, column: string, value: string) => readonly string[];

/** A place with all keys that go from it, as they are stored. */
export interface GoneKeys {
  readonly place: KeyPlace;
  /** Each in the order of the place's columns. */
  readonly keys: readonly (readonly string[])[];
}

/** Where the keys of a job stand. */
export function goneKeys(job: ForgetJob, plans: Plans, storedOf: StoredValues): GoneKeys[] {
  const places = placesOf(plans);
  for (const place of job.declared) addPlace(places, place);
  return places.flatMap((place) => {
    const keys = job.subjects
      .filter(({ entity }) => entity === place.entity)
      .flatMap((subject) => storedKeys(place, subject, storedOf));
    return keys.length === 0 ? [] : [{ place, keys }];
  });
}

/** Of composite keys every combination of what their parts may be stored as. */
function storedKeys(place: KeyPlace, { values }: Subject, storedOf: StoredValues): string[][] {
  return values.reduce<string[][]>(
    (found, value, at) => {
      const stored = storedOf(place.source, place.columns[at] ?? '', value);
      return found.flatMap((before) => stored.map((one) => [...before, one]));
    },
    [[]],
  );
}

/** Brings the keys into a session, and says by source what becomes of its rows. */
export async function rowRules(
  session: DuckDbSession,
  job: ForgetJob,
  plans: Plans,
  gone: readonly GoneKeys[],
): Promise<RowRule[]> {
  const places = placesOf(plans);
  for (const place of job.declared) addPlace(places, place);
  const sources = sourcesOf(plans);
  const bySource = new Map<string, GonePlace[]>();
  for (const [at, { place, keys }] of gone.entries()) {
    const table = `gone_${at}`;
    const types = place.columns.map((name) => {
      return columnType(sources.get(place.source), name)?.kind === 'int64' ? 'BIGINT' : 'VARCHAR';
    });
    await loadKeys(session, table, types, keys);
    bySource.set(place.source, [...(bySource.get(place.source) ?? []), { ...place, table }]);
  }
  return [...bySource].map(([source, own]) => ({
    source,
    gone: own,
    places: places.filter((place) => place.source === source),
    personal: personalColumns(sources.get(source)),
    keepShared: job.shared === 'keep',
  }));
}

const KEYS_PER_STATEMENT = 1_000;

async function loadKeys(
  session: DuckDbSession,
  table: string,
  types: readonly string[],
  keys: readonly (readonly string[])[],
): Promise<void> {
  const columns = types.map((type, at) => `k${at} ${type}`).join(', ');
  await session.run(`CREATE OR REPLACE TEMP TABLE ${sqlName(table)} (${columns})`);
  for (let from = 0; from < keys.length; from += KEYS_PER_STATEMENT) {
    const rows = keys
      .slice(from, from + KEYS_PER_STATEMENT)
      .map((key) => `(${key.map((part, at) => `${sqlString(part)}::${types[at]}`).join(', ')})`);
    await session.run(`INSERT INTO ${sqlName(table)} VALUES ${rows.join(', ')}`);
  }
}

/** What stands for a key where the key itself must not: of no use without the salt. */
export function keyHash(salt: string, parts: readonly string[]): string {
  return createHmac('sha256', Buffer.from(salt, 'hex')).update(JSON.stringify(parts)).digest('hex');
}
