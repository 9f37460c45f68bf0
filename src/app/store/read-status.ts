import type { CallGuardStatus } from '../../base/call-guard.ts';
import { stopwatchMs } from '../../base/clock.ts';
import type { PlatformState, PlatformStatus, RegistryStatus } from '../../monitor/status.ts';
import type { HotReadsStatus } from '../../monitor/store-status.ts';
import type { ProjectPlan } from '../../plan/plan.ts';
import type { FeatureServer } from '../../serve/feature-server.ts';
import type { ReplicaStore } from '../../store/replica-store.ts';
import type { PlatformFunctions } from '../functions/platform-functions.ts';
import { serviceStatuses } from '../platform-status.ts';
import type { AdmissionKeeper } from '../tenants/admission-keeper.ts';
import type { StoreConfig } from './store-config.ts';

export interface ReadFacts {
  readonly plan: ProjectPlan;
  readonly state: PlatformState;
  readonly features: FeatureServer;
  readonly replica: ReplicaStore;
  readonly kind: NonNullable<StoreConfig>['kind'];
  /** How reads of the store went. */
  readonly guard: CallGuardStatus;
  readonly hot: HotReadsStatus | null;
  readonly functions: PlatformFunctions;
  readonly admission: AdmissionKeeper;
  readonly registry: RegistryStatus;
}

/** What a process without an engine says of itself: of sources and state it knows nothing. */
export function readStatus(facts: ReadFacts): PlatformStatus {
  const { plan, features, replica, kind, guard } = facts;
  const known = replica.newest;
  return {
    state: facts.state,
    asOfMs: features.nowMs(),
    commit: known?.head.commit ?? 0,
    newestArrivalMs: known === null ? null : known.applied.newestArrivalMs || null,
    log: null,
    archivedCommit: null,
    checkpoint: null,
    keys: 0,
    tiles: 0,
    stateBytes: 0,
    saved: null,
    pressure: {
      ...{ ratio: 0, stage: null, stages: [], breaker: 'closed' },
      ...{ pushesSlowed: 0, pushesRefused: 0 },
    },
    sources: [],
    connectors: [],
    views: [],
    services: serviceStatuses(plan, features),
    tenants: facts.admission.admission.status(),
    models: features.contracts(),
    ...facts.functions.status(),
    serveLog: null,
    registry: facts.registry,
    store: null,
    replica: {
      kind,
      commit: known?.head.commit ?? null,
      headAgeMs: known === null ? null : stopwatchMs() - known.atMs,
      reason: replica.failure?.message ?? null,
      missingGroups: replica.missing.length,
      rows: replica.size,
      ...replica.counters,
      coldRows: replica.cold.asked,
      coldRowsFailed: replica.cold.failed,
      breaker: guard.state,
      breakerOpened: guard.opened,
      ...{ refused: guard.refused, underWay: guard.underWay },
      hot: facts.hot,
    },
    faults: { ...features.faults },
  };
}
