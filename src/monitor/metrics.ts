import { Registry } from 'prom-client';
import { FEATURE_STATUSES } from '../schema/status.ts';
import { clockGauges } from './clock-metrics.ts';
import { connectorGauges } from './connector-metrics.ts';
import { functionMetrics } from './function-metrics.ts';
import { hotKeyGauges } from './hot-key-metrics.ts';
import { LatencyHistogram } from './latency-histogram.ts';
import { modelMetrics } from './model-metrics.ts';
import { neighborMetrics } from './neighbor-metrics.ts';
import { registryMetrics } from './registry-metrics.ts';
import { releaseMetrics } from './release-metrics.ts';
import { ScrapedMetrics } from './scraped-metrics.ts';
import type { PlatformStatus } from './status.ts';
import { storeMetrics } from './store-metrics.ts';
import { tenantMetrics } from './tenant-metrics.ts';

/** Prometheus metrics: latencies are observed as they happen, all else is read at each scrape. */
export interface Metrics {
  readonly contentType: string;
  /** Where the latencies of one route and status go; keep it rather than ask again. */
  request(route: string, status: number): { observe(seconds: number): void };
  /** Likewise, of one stage of answering features. */
  stage(stage: string): { observe(seconds: number): void };
  text(): Promise<string>;
}

const LATENCY_BUCKETS_S = [
  0.000_25, 0.000_5, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5,
];

const STAGE_BUCKETS_S = [
  0.000_001, 0.000_002, 0.000_005, 0.000_01, 0.000_02, 0.000_05, 0.000_1, 0.000_2, 0.000_5, 0.001,
  0.002, 0.005, 0.01, 0.05, 0.25, 1,
];

export function createMetrics(status: () => PlatformStatus): Metrics {
  const registry = new Registry();
  const latency = new LatencyHistogram(
    'asof_http_request_seconds',
    'Time from the head of a request to its answer.',
    LATENCY_BUCKETS_S,
  );
  const stages = new LatencyHistogram(
    'asof_features_stage_seconds',
    'Where the time of a feature request goes, of a sample of them.',
    STAGE_BUCKETS_S,
  );
  const scrape = [
    totals(registry),
    freshness(registry),
    stateGauges(registry),
    clockGauges(registry),
    hotKeyGauges(registry),
    connectorGauges(registry),
    releaseMetrics(registry),
    registryMetrics(registry),
    modelMetrics(registry),
    storeMetrics(registry),
    functionMetrics(registry),
    tenantMetrics(registry),
    neighborMetrics(registry),
  ];
  return {
    contentType: registry.contentType,
    request: (route, code) => latency.series(`route="${route}",status="${code}"`),
    stage: (stage) => stages.series(`stage="${stage}"`),
    text: async () => {
      const now = status();
      for (const update of scrape) update(now);
      return `${await registry.metrics()}\n${latency.text()}${stages.text()}`;
    },
  };
}

type Update = (status: PlatformStatus) => void;

/** Totals are kept by their owners; a counter here is set to them at each scrape. */
function totals(registry: Registry): Update {
  const metrics = new ScrapedMetrics(registry);
  const rows = metrics.counter('asof_served_rows_total', 'Entity rows answered.', [
    'service',
    'version',
  ]);
  const values = metrics.counter(
    'asof_served_values_total',
    'Feature values answered, by status.',
    ['service', 'version', 'status'],
  );
  const events = metrics.counter(
    'asof_events_total',
    'Events at the door, by verdict: accepted, or the code of the rejection.',
    ['source', 'verdict'],
  );
  const changes = metrics.counter(
    'asof_changes_total',
    'Accepted rows of change streams, by what they did to an event.',
    ['source', 'operation'],
  );
  const ids = metrics.gauge(
    'asof_source_ids',
    'Ids that the door holds to know what repeats or changes an earlier event.',
    ['source'],
  );
  const idBytes = metrics.gauge(
    'asof_source_id_bytes',
    'Memory for those ids, and for the events that can be taken back.',
    ['source'],
  );
  const drifting = metrics.gauge(
    'asof_source_drifting_columns',
    'Columns that rows have in another way than is declared, since the definitions were taken.',
    ['source'],
  );
  const samples = metrics.counter(
    'asof_serve_log_answers_total',
    'Sampled answers: written, or dropped by a bound.',
    ['outcome'],
  );
  const faults = metrics.counter(
    'asof_expression_faults_total',
    'Results that do not exist and became null.',
    ['fault'],
  );
  return (status) => {
    metrics.reset();
    for (const { name, version, ...counts } of status.services) {
      const service = { service: name, version: String(version) };
      rows.inc(service, counts.rows);
      for (const status of FEATURE_STATUSES) values.inc({ ...service, status }, counts[status]);
    }
    for (const source of status.sources) {
      events.inc({ source: source.name, verdict: 'accepted' }, source.accepted);
      ids.set({ source: source.name }, source.ids?.count ?? 0);
      idBytes.set({ source: source.name }, source.ids?.bytes ?? 0);
      drifting.set({ source: source.name }, source.drifting);
      for (const [operation, count] of Object.entries(source.changes ?? {})) {
        changes.inc({ source: source.name, operation }, count);
      }
      for (const [verdict, count] of Object.entries(source.rejectedByCode)) {
        events.inc({ source: source.name, verdict }, count);
      }
    }
    samples.inc({ outcome: 'written' }, status.serveLog?.written ?? 0);
    samples.inc({ outcome: 'dropped' }, status.serveLog?.dropped ?? 0);
    faults.inc({ fault: 'overflow' }, status.faults.overflow);
    faults.inc({ fault: 'division_by_zero' }, status.faults.divisionByZero);
  };
}

function freshness(registry: Registry): Update {
  const metrics = new ScrapedMetrics(registry);
  const staleness = metrics.gauge(
    'asof_view_staleness_seconds',
    'Age of the newest applied arrival of the view’s source.',
    ['view', 'version'],
  );
  const stale = metrics.gauge('asof_view_stale', '1 where the declared freshness is missed.', [
    'view',
    'version',
  ]);
  return (status) => {
    metrics.reset();
    for (const view of status.views) {
      const labels = { view: view.name, version: String(view.version) };
      if (view.stalenessMs !== null) staleness.set(labels, view.stalenessMs / 1000);
      stale.set(labels, view.stale ? 1 : 0);
    }
  };
}

function stateGauges(registry: Registry): Update {
  const metrics = new ScrapedMetrics(registry);
  const gauge = (name: string, help: string) => metrics.gauge(name, help);
  const ready = gauge('asof_ready', '1 while the platform serves.');
  const commit = gauge('asof_applied_commit', 'The newest commit that answers contain.');
  const lag = gauge('asof_unapplied_commits', 'Durable commits that answers do not contain yet.');
  const keys = gauge('asof_state_keys', 'Distinct entity keys held in memory.');
  const tiles = gauge('asof_state_tiles', 'Tiles held in memory.');
  const bytes = gauge('asof_state_bytes', 'Memory of the state.');
  const fileBytes = gauge('asof_state_file_bytes', 'Files of the saved state.');
  const loads = gauge('asof_state_loads', 'Keys that came from disk, since the start.');
  const spills = gauge('asof_state_spills', 'Keys that left memory for disk, since the start.');
  const groups = gauge('asof_state_groups_loaded', 'Tile groups from a backfill at the start.');
  const loaded = gauge('asof_state_tiles_loaded', 'Tiles that came with those groups.');
  const took = gauge('asof_checkpoint_seconds', 'How long the newest checkpoint took.');
  const written = gauge('asof_checkpoint_bytes', 'Bytes that the newest checkpoint wrote.');
  const age = gauge('asof_checkpoint_age_seconds', 'Age of the newest checkpoint.');
  const checkpointed = gauge('asof_checkpoint_commit', 'The commit of the newest checkpoint.');
  const pressure = gauge('asof_backpressure_ratio', 'How full the fullest buffer is, 0 to 1.');
  const breaker = gauge('asof_state_breaker_open', '1 while the state store is left alone.');
  const slowed = gauge('asof_pushes_slowed', 'Pushes that had to wait, since the start.');
  const refused = gauge('asof_pushes_refused', 'Pushes that were sent away, since the start.');
  return (status) => {
    ready.set(status.state === 'ready' ? 1 : 0);
    pressure.set(status.pressure.ratio);
    breaker.set(status.pressure.breaker === 'closed' ? 0 : 1);
    slowed.set(status.pressure.pushesSlowed);
    refused.set(status.pressure.pushesRefused);
    commit.set(status.commit);
    lag.set(status.log === null ? 0 : Math.max(0, status.log.lastCommit - status.commit));
    keys.set(status.keys);
    tiles.set(status.tiles);
    bytes.set(status.stateBytes);
    fileBytes.set(status.saved?.fileBytes ?? 0);
    loads.set(status.saved?.loads ?? 0);
    spills.set(status.saved?.spills ?? 0);
    groups.set(status.saved?.groupsLoaded ?? 0);
    loaded.set(status.saved?.tilesLoaded ?? 0);
    took.set((status.checkpoint?.tookMs ?? 0) / 1000);
    written.set(status.checkpoint?.bytes ?? 0);
    age.set((status.checkpoint?.ageMs ?? 0) / 1000);
    checkpointed.set(status.checkpoint?.commit ?? 0);
  };
}
