import type { Clock } from '../base/clock.ts';
import type { DeadLetters } from '../ingest/dead-letters.ts';
import type { Ingestor } from '../ingest/ingestor.ts';
import type { EventLog } from '../ingest/log.ts';
import type { MemorySize } from '../ingest/source-memory.ts';
import type { HotKeyStatus, IdStatus, SourceStatus } from '../monitor/source-status.ts';
import type {
  PlatformState,
  PlatformStatus,
  PressureStatus,
  RegistryStatus,
  SavedStatus,
  ServiceStatus,
  ViewMemory,
  ViewStatus,
} from '../monitor/status.ts';
import type { ProjectPlan, SourcePlan, ViewPlan } from '../plan/plan.ts';
import { presentName } from '../schema/evolution.ts';
import type { FeatureServer } from '../serve/feature-server.ts';
import type { NeighborStatus } from '../serve/neighbors/neighbors.ts';
import type { ServeLogWriter } from '../store/serve-log.ts';
import type { StateUsage } from '../stream/state-budget.ts';
import type { StreamEngine } from '../stream/stream-engine.ts';
import type { Archiver } from './archiver.ts';
import type { Connectors } from './connectors.ts';
import type { PlatformFunctions } from './functions/platform-functions.ts';
import { letterCount } from './http-ports.ts';
import type { PublisherKeeper } from './store/publisher-keeper.ts';
import type { AdmissionKeeper } from './tenants/admission-keeper.ts';

export interface StatusFacts {
  readonly plan: ProjectPlan;
  readonly state: PlatformState;
  readonly clock: Clock;
  readonly engine: StreamEngine | null;
  readonly features: FeatureServer;
  readonly log: EventLog;
  readonly door: Ingestor | null;
  readonly letters: DeadLetters;
  readonly archiver: Archiver;
  readonly serveLog: ServeLogWriter;
  readonly connectors: Connectors;
  readonly admission: AdmissionKeeper;
  readonly functions: PlatformFunctions;
  readonly publisher: PublisherKeeper;
  readonly pressure: PressureStatus;
  readonly registry: RegistryStatus | null;
  readonly neighbors: readonly NeighborStatus[];
}

/** Everything that the platform says of itself, gathered from those who know. */
export function platformStatus(facts: StatusFacts): PlatformStatus {
  const { engine, features, log, archiver, serveLog, plan, clock } = facts;
  const size = engine?.size() ?? { keys: 0, tiles: 0, bytes: 0 };
  const applied = engine?.store.applied ?? null;
  const asOfMs = features.nowMs();
  return {
    state: facts.state,
    asOfMs,
    commit: applied?.commit ?? 0,
    newestArrivalMs: timeOrNull(applied?.newestArrivalMs),
    log: { firstCommit: log.firstCommit, lastCommit: log.lastCommit },
    archivedCommit: archiver.archivedCommit,
    checkpoint:
      engine === null
        ? null
        : {
            commit: engine.checkpointedCommit,
            ageMs: clock.nowMs() - engine.metrics.lastCheckpointAtMs,
            tookMs: engine.metrics.lastCheckpointMs,
            bytes: engine.metrics.lastCheckpointBytes,
          },
    keys: size.keys,
    tiles: size.tiles,
    stateBytes: size.bytes,
    saved: engine === null ? null : savedStatus(engine),
    pressure: facts.pressure,
    sources: plan.sources.map((source) => sourceStatus(source, facts)),
    connectors: facts.connectors.status(),
    views: viewStatuses(facts, asOfMs),
    services: serviceStatuses(plan, features),
    tenants: facts.admission.admission.status(),
    neighbors: facts.neighbors,
    models: features.contracts(),
    serveLog: serveLog.stats(),
    registry: facts.registry,
    ...facts.functions.status(),
    store: facts.publisher.status(),
    replica: null,
    faults: {
      overflow: (engine?.metrics.overflow ?? 0) + features.faults.overflow,
      divisionByZero: (engine?.metrics.divisionByZero ?? 0) + features.faults.divisionByZero,
    },
  };
}

function sourceStatus(source: SourcePlan, facts: StatusFacts): SourceStatus {
  const seen = facts.door?.stats(source.name) ?? null;
  const rejectedByCode = seen?.rejected ?? {};
  const applied = facts.engine?.store.applied.bySource.get(source.name);
  const newestArrivalMs = timeOrNull(applied?.newestArrivalMs);
  const newestEventMs = timeOrNull(applied?.newestEventMs);
  return {
    name: source.name,
    accepted: seen?.accepted ?? 0,
    rejected: Object.values(rejectedByCode).reduce((sum, rows) => sum + rows, 0),
    rejectedByCode,
    applied: applied?.events ?? 0,
    newestArrivalMs,
    newestEventMs,
    latenessMs:
      newestArrivalMs === null || newestEventMs === null ? null : newestArrivalMs - newestEventMs,
    lastOffsets: applied?.lastOffsets ?? [],
    deadLetters: letterCount(facts.letters, source.name),
    drifting: seen?.drifting ?? 0,
    clocks: seen?.clocks ?? null,
    changes: seen?.changes ?? null,
    ids: idStatus(facts.door?.memory(source.name) ?? null),
    hotKeys: hotKeyStatus(source, facts.engine),
  };
}

function hotKeyStatus({ name, columns }: SourcePlan, engine: StreamEngine | null): HotKeyStatus[] {
  const names = new Map(columns.map((column) => [column.name, presentName(column)]));
  return [...(engine?.hotKeys(name) ?? [])].map(([keyColumns, keys]) => ({
    keyColumns: keyColumns.split(',').map((column) => names.get(column) ?? column),
    split: keys.splitKeys,
    splits: keys.splits,
    merges: keys.merges,
    hottest: keys.hottest().map(({ key, atLeast, atMost, isSplit }) => {
      return { key, shareAtLeast: atLeast, shareAtMost: atMost, split: isSplit };
    }),
  }));
}

function idStatus(memory: MemorySize | null): IdStatus | null {
  if (memory === null) return null;
  const { ids, bytes, horizonMs } = memory;
  return { count: ids, bytes, bytesPerId: ids === 0 ? 0 : Math.round(bytes / ids), horizonMs };
}

function savedStatus(engine: StreamEngine): SavedStatus {
  const { rowsLoaded, rowsSpilled, rowsSpilledBuilding, statesRebuilt } = engine.metrics;
  const { groupsLoaded, tilesLoaded, groupsRebuilt } = engine.metrics;
  return {
    ...engine.savedSize(),
    loads: rowsLoaded,
    spills: rowsSpilled + rowsSpilledBuilding,
    groupsLoaded,
    tilesLoaded,
    groupsReplayed: Math.max(0, groupsRebuilt - groupsLoaded),
    rebuilt: statesRebuilt > 0,
    damage: engine.damage,
  };
}

function viewStatuses(facts: StatusFacts, asOfMs: number): ViewStatus[] {
  const usage = new Map(
    facts.engine?.stateUsage().map((one) => [`${one.view}@${one.version}`, one]) ?? [],
  );
  return facts.plan.views.map((view) => {
    const used = usage.get(`${view.name}@${view.version}`);
    return { ...viewStatus(view, facts, asOfMs), memory: memoryOf(used) };
  });
}

function memoryOf(used: StateUsage | undefined): ViewMemory | null {
  if (used === undefined) return null;
  const { view: _view, version: _version, ...memory } = used;
  return memory;
}

/** Stale: the newest event of the view's source is older than the view's objective allows. */
function viewStatus(
  view: ViewPlan,
  facts: StatusFacts,
  asOfMs: number,
): Omit<ViewStatus, 'memory'> {
  const applied = facts.engine?.store.applied.bySource.get(view.source);
  const newestArrivalMs = timeOrNull(applied?.newestArrivalMs);
  const stalenessMs = newestArrivalMs === null ? null : Math.max(0, asOfMs - newestArrivalMs);
  return {
    name: view.name,
    version: view.version,
    source: view.source,
    stalenessMs,
    objectiveMs: view.freshnessMs,
    stale: view.freshnessMs !== null && (stalenessMs === null || stalenessMs > view.freshnessMs),
  };
}

export function serviceStatuses(plan: ProjectPlan, features: FeatureServer): ServiceStatus[] {
  const counters = features.counters();
  return plan.services.map(({ name, version }) => {
    const totals = counters.get(`${name}@${version}`);
    return {
      name,
      version,
      share: features.share(name, version),
      requests: totals?.requests ?? 0,
      rows: totals?.rows ?? 0,
      present: totals?.present ?? 0,
      default: totals?.default ?? 0,
      error: totals?.error ?? 0,
      missing: totals?.missing ?? 0,
      expired: totals?.expired ?? 0,
      stale: totals?.stale ?? 0,
      timeout: totals?.timeout ?? 0,
      denied: totals?.denied ?? 0,
    };
  });
}

function timeOrNull(timeMs: number | undefined): number | null {
  return timeMs === undefined || timeMs === 0 ? null : timeMs;
}
