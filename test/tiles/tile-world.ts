import { join } from 'node:path';
import { present } from '../../src/base/assert.ts';
import { ByteWriter } from '../../src/base/bytes.ts';
import type { Random } from '../../src/base/random.ts';
import type { KeySlice } from '../../src/batch/backfill/tile-port.ts';
import { COLUMNS, type ModelEvent, randomEvents } from '../../src/batch/random-events.fixture.ts';
import { tileBuilder } from '../../src/batch/tiles/tile-builder.ts';
import { sqlString } from '../../src/ingest/archive-relation.ts';
import type { DuckDbSession } from '../../src/ingest/duckdb-session.ts';
import type { ProjectPlan, TileGroupPlan } from '../../src/plan/plan.ts';
import type { Column, EventBatch } from '../../src/schema/batch.ts';
import type { Scalar, ValueType } from '../../src/schema/types.ts';
import type { TileGroup } from '../../src/store/tile-group.ts';
import type { TileFile } from '../../src/stream/tile-snapshots.ts';

export const DAY_MS = 86_400_000;

/** Random events around midnight, each a commit of its own. */
export function eventsAcrossDays(random: Random, count: number, retractable: boolean) {
  const shiftMs = DAY_MS * 2 - 1_000 - random.below(count * 10);
  return randomEvents(random, count, retractable).map(
    (event, index): ModelEvent => ({
      ...event,
      commit: index + 1,
      eventTimeMs: event.eventTimeMs + shiftMs,
      arrivalTimeMs: event.arrivalTimeMs + shiftMs,
    }),
  );
}

/** An event as the log holds it. */
export function batchOf(event: ModelEvent): EventBatch {
  const { partition, offset, retracts } = event;
  return {
    source: 'pay',
    partition,
    firstOffset: offset,
    commit: event.commit,
    count: 1,
    eventTimeMs: Float64Array.of(event.eventTimeMs),
    arrivalTimeMs: Float64Array.of(event.arrivalTimeMs),
    columns: Object.entries(COLUMNS).map(([name, type]) =>
      columnOf(type, event.values[name] ?? null),
    ),
    retractions:
      retracts === null
        ? null
        : {
            weights: Int8Array.of(-1),
            partitions: Int32Array.of(retracts.partition),
            offsets: Float64Array.of(retracts.offset),
          },
  };
}

function columnOf(type: ValueType, value: Scalar): Column {
  const valid = value === null ? Uint8Array.of(0) : null;
  if (type.kind === 'string') return { kind: 'string', type, values: [String(value ?? '')], valid };
  if (type.kind === 'bool') {
    return { kind: 'bool', type, values: Uint8Array.of(value === true ? 1 : 0), valid };
  }
  const isWide = typeof value === 'bigint';
  const wide = isWide ? BigInt64Array.of(value) : null;
  return { kind: 'number', type, values: Float64Array.of(Number(value ?? 0)), wide, valid };
}

/** Writes the tiles of some days, one file for each day and slice; days without tiles have none. */
export async function writeTiles(
  session: DuckDbSession,
  plan: ProjectPlan,
  group: TileGroupPlan,
  options: {
    readonly folder: string;
    readonly days: readonly number[];
    readonly throughCommit: number;
    readonly slices?: number;
  },
): Promise<TileFile[]> {
  const { folder, days, throughCommit, slices = 1 } = options;
  const builder = tileBuilder(plan);
  const { keys, place } = builder.identity(group);
  const order = [...place, `hash(${keys.join(', ')})`].join(', ');
  const events = `(SELECT * FROM pay WHERE __commit <= ${throughCommit})`;
  const files: TileFile[] = [];
  for (let index = 0; index < slices; index++) {
    const slice: KeySlice | null = slices === 1 ? null : { index, of: slices };
    const select = builder.select({ group, events, days, slice });
    await session.run(`CREATE OR REPLACE TEMP TABLE made AS ${select}`);
    for (const [day] of await session.rows('SELECT DISTINCT __day FROM made ORDER BY 1')) {
      const path = join(folder, `${group.id}-${throughCommit}-${String(day)}-${index}.parquet`);
      await session.run(`COPY (SELECT * EXCLUDE (__day) FROM made WHERE __day = ${String(day)}
        ORDER BY ${order}) TO ${sqlString(path)} (FORMAT parquet)`);
      files.push({ path, day: Number(day) });
    }
  }
  return files.toSorted((a, b) => a.day - b.day);
}

/** What each key holds, as a checkpoint has it; keys that hold nothing are left out. */
export function contentOf(group: TileGroup): Map<string, string> {
  const content = new Map<string, string>();
  for (let row = 0; row < group.table.rowLimit; row++) {
    if (!group.isLive(row)) continue;
    const writer = new ByteWriter();
    group.table.encodeRow(row, writer);
    const bytes = Buffer.from(writer.bytes());
    if (bytes.length > 1 || bytes[0] !== 0) content.set(group.keyOf(row), bytes.toString('hex'));
  }
  return new Map([...content].toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/** The groups of a plan whose tiles can be computed by day. */
export function tiledGroups(plan: ProjectPlan): TileGroupPlan[] {
  const { refusal } = tileBuilder(plan);
  return plan.groups.filter((group) => refusal(group) === null);
}

export function sourceOf(plan: ProjectPlan) {
  return present(plan.sources[0], 'a source');
}
