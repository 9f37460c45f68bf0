import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../../base/clock.ts';
import type { Disk } from '../../base/disk.ts';
import { AsofError } from '../../base/errors.ts';
import { nextTurn } from '../../base/pause.ts';
import { subjectOfGroup } from '../../batch/backfill/world.ts';
import { explainPlan } from '../../plan/explain.ts';
import type { ProjectPlan } from '../../plan/plan.ts';
import { CATALOG_FILE, OfflineCatalog } from '../../store/offline-catalog.ts';
import type { StoreUsage } from '../../store/row-store.ts';
import { groupOfStored } from '../../store/stored-groups.ts';
import { bytesOf } from '../../stream/state-budget.ts';
import type { StreamEngine } from '../../stream/stream-engine.ts';
import type { Config } from '../config.ts';
import type { CostFacts, PlacedBytes } from './cost-report.ts';
import { firstDay, readDays } from './read-totals.ts';
import { dayOf } from './reads-keeper.ts';

const DAY_MS = 86_400_000;

/** Of what runs in this process. */
export interface CostWorld {
  readonly config: Config;
  readonly disk: Disk;
  readonly plan: () => ProjectPlan;
  readonly engine: () => StreamEngine | null;
  /** Of an online store outside; null without one. */
  readonly storeUsage: (() => Promise<StoreUsage>) | null;
  /** Brings what was read by now to the disk. */
  readonly saveReads: () => void;
}

/** Looks at what there is now. @param days of reads, today included */
export async function gatherCost(world: CostWorld, days: number): Promise<CostFacts> {
  const { config, disk } = world;
  world.saveReads();
  const plan = world.plan();
  const { store, storeProblem } = await storeFacts(world);
  const nowMs = systemClock.nowMs();
  return {
    plan,
    bytes: placedBytes(plan, world.engine(), store, offlineBytes(config)),
    reads: await readDays(disk, dayOf(nowMs - (days - 1) * DAY_MS), nextTurn),
    countedSince: firstDay(disk),
    days,
    prices: config.cost,
    storeProblem,
  };
}

/** A store that is away keeps nobody from knowing the rest. */
async function storeFacts({ storeUsage }: Pick<CostWorld, 'storeUsage'>): Promise<{
  readonly store: StoreUsage | null;
  readonly storeProblem: string | null;
}> {
  try {
    return { store: (await storeUsage?.()) ?? null, storeProblem: null };
  } catch (error) {
    if (!(error instanceof AsofError)) throw error;
    return { store: null, storeProblem: error.message };
  }
}

function placedBytes(
  plan: ProjectPlan,
  engine: StreamEngine | null,
  store: StoreUsage | null,
  offline: ReadonlyMap<string, number>,
): ReadonlyMap<string, PlacedBytes> {
  const memory = new Map<string, number>();
  const saved = savedParts(plan, engine);
  for (const { id } of plan.groups) {
    const parts = engine?.store.partsOf(id) ?? [];
    memory.set(
      id,
      parts.reduce((sum, group) => sum + bytesOf(group), 0),
    );
  }
  const stored = new Map<string, number>();
  for (const { group, bytes } of store?.groups ?? []) {
    const id = groupOfStored(group);
    stored.set(id, (stored.get(id) ?? 0) + bytes);
  }
  return new Map(
    plan.groups.map((group) => [
      group.id,
      {
        memory: memory.get(group.id) ?? 0,
        disk: saved.get(group.id) ?? 0,
        store: stored.get(group.id) ?? 0,
        offline: offline.get(subjectOfGroup(group)) ?? 0,
      },
    ]),
  );
}

/** The files hold rows of all groups: each has its part by its keys and what one of them takes. */
function savedParts(plan: ProjectPlan, engine: StreamEngine | null): ReadonlyMap<string, number> {
  if (engine === null) return new Map();
  const weights = explainPlan(plan).map(({ id, bytesPerKeyTypical }) => {
    const parts = engine.store.partsOf(id);
    const keys = parts.reduce((sum, { liveRows, coldRows }) => sum + liveRows + coldRows, 0);
    return [id, keys * bytesPerKeyTypical] as const;
  });
  const all = weights.reduce((sum, [, weight]) => sum + weight, 0);
  const { fileBytes } = engine.savedSize();
  return new Map(weights.map(([id, one]) => [id, all === 0 ? 0 : (fileBytes * one) / all]));
}

function offlineBytes({ dataDir }: Config): ReadonlyMap<string, number> {
  if (!existsSync(join(dataDir, CATALOG_FILE))) return new Map();
  const catalog = OfflineCatalog.open(dataDir, systemClock);
  try {
    return catalog.usage.bySubject();
  } finally {
    catalog.close();
  }
}
