import type { WindowTable } from '../../src/aggregate/window-table.ts';
import { present } from '../../src/base/assert.ts';
import { ByteReader, ByteWriter } from '../../src/base/bytes.ts';
import { ManualClock } from '../../src/base/clock.ts';
import type { Random } from '../../src/base/random.ts';
import type { ProjectPlan } from '../../src/plan/plan.ts';
import type { Column, EventBatch } from '../../src/schema/batch.ts';
import { FeatureServer } from '../../src/serve/feature-server.ts';
import { MemoryTileStore } from '../../src/store/memory-tile-store.ts';
import type { TileGroup } from '../../src/store/tile-group.ts';
import { SourceApplier } from '../../src/stream/source-applier.ts';
import type { PlatformOracle } from '../../src/testing/platform-oracle.ts';
import { checkAnswer, serviceOf } from './answers.ts';
import { SERVICE } from './generate-definitions.ts';
import { sentRow } from './generate-on-demand.ts';
import { keyOf } from './keys.ts';
import type { Tally } from './tally.ts';
import { randomEdge, randomEvent } from './times.ts';

/** Tiles of one origin: some of the events, added in whatever order they come. */
interface Origin {
  readonly store: MemoryTileStore;
  readonly appliers: ReadonlyMap<string, SourceApplier>;
}

/**
 * Events split at random over several origins, in any order, merged in a random tree; every
 * answer is that of one origin that has seen them in order.
 */
export function runKernel(
  tally: Tally,
  random: Random,
  oracle: PlatformOracle,
  batches: readonly EventBatch[],
): void {
  const { plan } = oracle;
  const newestMs = Math.max(0, ...oracle.events.map((event) => event.arrivalTimeMs));
  // The clock may have gone on to the very time of the first question.
  const firstMs = Math.max(
    newestMs,
    randomEdge(random, oracle, randomEvent(random, oracle), newestMs),
  );
  const nowMs = (): number =>
    random.below(2) === 0 ? firstMs : newestMs - random.below(2) * random.below(100_000_000);
  const origins = Array.from({ length: 1 + random.below(4) }, () => newOrigin(plan));
  const pieces = batches.flatMap((batch) => split(random, batch));
  shuffle(random, pieces);
  for (const piece of pieces) {
    const origin = random.pick(origins);
    origin.appliers.get(piece.source)?.apply(piece);
    if (random.below(3) === 0) settle(random, origin, nowMs());
  }
  while (origins.length > 1) {
    const from = present(origins.splice(random.below(origins.length), 1)[0], 'an origin');
    const into = random.pick(origins);
    for (const group of plan.groups) {
      mergeGroups(into.store.group(group.id), from.store.group(group.id));
    }
    tally.cover('a merge of origins');
    if (random.below(3) === 0) settle(random, into, nowMs());
  }
  const { store } = present(origins[0], 'the last origin');
  for (const batch of batches) store.applied.observe(batch);
  store.applied.finish(batches.length);
  ask(tally, random, oracle, store, firstMs);
}

function ask(
  tally: Tally,
  random: Random,
  oracle: PlatformOracle,
  store: MemoryTileStore,
  firstMs: number,
): void {
  const { plan } = oracle;
  const clock = new ManualClock(firstMs);
  const server = new FeatureServer({ plan, store, clock });
  const service = serviceOf(plan);
  const times = Array.from({ length: 4 }, () =>
    randomEdge(random, oracle, randomEvent(random, oracle), clock.nowMs()),
  );
  for (const timeMs of [0, ...times.sort((a, b) => a - b)]) {
    clock.advanceTo(timeMs);
    const keys = Array.from({ length: 3 }, () =>
      keyOf(random, plan, service, randomEvent(random, oracle)),
    );
    const sent = keys.map((key) => sentRow(service, key));
    checkAnswer(tally, 'kernel', oracle, server.get(SERVICE, sent), keys);
  }
}

function newOrigin(plan: ProjectPlan): Origin {
  const store = new MemoryTileStore();
  // Events come in any order here, so no session may be given up as settled.
  const latenessMs = Number.MAX_SAFE_INTEGER;
  const feeds = plan.groups.map((group) => ({
    plan: group,
    group: store.addGroup(group.id, { ...group, latenessMs }, group.entity),
  }));
  const appliers = plan.sources.map((source) => {
    const own = feeds.filter((feed) => feed.plan.source === source.name);
    return [source.name, new SourceApplier(source, own)] as const;
  });
  return { store, appliers: new Map(appliers) };
}

/** The clock goes on, rows are compacted, or pass through their binary form. */
function settle(random: Random, { store }: Origin, nowMs: number): void {
  for (const group of store.groups) {
    const { table } = group;
    if (random.below(2) === 0) table.advanceTo(Math.max(table.nowMs, nowMs));
    for (let row = 0; row < table.rowLimit; row += 1) {
      if (!group.isLive(row)) continue;
      if (random.below(2) === 0) table.compactRow(row);
      else if (random.below(3) === 0) throughBytes(table, row);
    }
  }
}

function throughBytes(table: WindowTable, row: number): void {
  const writer = new ByteWriter();
  table.encodeRow(row, writer);
  table.decodeRow(row, new ByteReader(writer.bytes()));
}

function mergeGroups(into: TileGroup, from: TileGroup): void {
  for (let row = 0; row < from.table.rowLimit; row += 1) {
    if (!from.isLive(row)) continue;
    const key = from.keyOf(row);
    let target = into.find(key);
    if (target < 0) {
      const known = into.keys.find(key);
      const id = known < 0 ? into.keys.add(key) : known;
      into.coverIds(into.keys.bound);
      target = into.create(id);
    }
    into.table.mergeRow(target, from.table, row);
  }
}

function shuffle(random: Random, items: unknown[]): void {
  for (let i = items.length - 1; i > 0; i -= 1) {
    const j = random.below(i + 1);
    [items[i], items[j]] = [items[j], items[i]];
  }
}

/** The batch in pieces that keep their offsets. */
function split(random: Random, batch: EventBatch): EventBatch[] {
  const pieces: EventBatch[] = [];
  for (let from = 0; from < batch.count; ) {
    const to = Math.min(batch.count, from + 1 + random.below(8));
    pieces.push(pieceOf(batch, from, to));
    from = to;
  }
  return pieces;
}

function pieceOf(batch: EventBatch, from: number, to: number): EventBatch {
  return {
    ...batch,
    count: to - from,
    firstOffset: batch.firstOffset + from,
    eventTimeMs: batch.eventTimeMs.slice(from, to),
    arrivalTimeMs: batch.arrivalTimeMs.slice(from, to),
    columns: batch.columns.map((column) => columnPiece(column, from, to)),
    retractions: retractionsPiece(batch, from, to),
  };
}

function retractionsPiece({ retractions }: EventBatch, from: number, to: number) {
  if (!retractions) return null;
  const { weights, partitions, offsets } = retractions;
  return {
    weights: weights.slice(from, to),
    partitions: partitions.slice(from, to),
    offsets: offsets.slice(from, to),
  };
}

function columnPiece(column: Column, from: number, to: number): Column {
  const valid = column.valid?.slice(from, to) ?? null;
  switch (column.kind) {
    case 'number': {
      const wide = column.wide?.slice(from, to) ?? null;
      return { ...column, values: column.values.slice(from, to), wide, valid };
    }
    case 'bool':
      return { ...column, values: column.values.slice(from, to), valid };
    case 'string':
      return { ...column, values: column.values.slice(from, to), valid };
    case 'vector': {
      const size = column.type.kind === 'vector' ? column.type.size : 0;
      return { ...column, values: column.values.slice(from * size, to * size), valid };
    }
  }
}
