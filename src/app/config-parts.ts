import { dirname } from 'node:path';
import type { Issue } from '../base/errors.ts';
import { type IssuerConfig, readIssuers } from './access/issuers-config.ts';
import { type ConnectorConfig, readConnectors } from './connector-config.ts';
import { type CostConfig, readCost } from './cost/cost-config.ts';
import { type FeastConfig, readFeast } from './feast/feast-config.ts';
import { readImports } from './imports-config.ts';
import { type ListenConfig, readListen } from './listen/listen-config.ts';
import { type OpenLineageConfig, readOpenLineage } from './openlineage-config.ts';
import { type PrivacyConfig, readPrivacy } from './privacy/privacy-config.ts';
import { type QuotaConfig, readQuotas } from './quota-config.ts';
import { type PostgresRegistry, readNamespaces, readRegistry } from './registry-config.ts';
import { type RetentionConfig, readRetention } from './retention-config.ts';
import { readStore, type StoreConfig } from './store/store-config.ts';
import { readServing, type ServingConfig } from './tenants/serving-config.ts';
import { readUpstreams, type UpstreamConfig } from './upstream-config.ts';

/** Settings with a form of their own; they stand in the file alone. */
export interface ConfigParts extends UpstreamConfig {
  /** What is read by the server itself, besides what is pushed. */
  readonly connectors: readonly ConnectorConfig[];
  /** What owners may use offline, by the `owner` of their views. */
  readonly quotas: Readonly<Record<string, QuotaConfig>>;
  /** How long what nothing needs is kept. */
  readonly retention: RetentionConfig;
  /** Who signs tokens that are accepted. */
  readonly issuers: readonly IssuerConfig[];
  /** Where the key of tokens comes from. */
  readonly privacy: PrivacyConfig;
  /** A PostgreSQL that the registry is in; null: a file of the data directory. */
  readonly registry: PostgresRegistry;
  /** Whose definitions the project applies; null: those of all. */
  readonly namespaces: readonly string[] | null;
  /** Folders beside the project's own from which definitions may import. */
  readonly imports: readonly string[];
  /** Where lineage is told to others; null: nowhere. */
  readonly openLineage: OpenLineageConfig;
  /** What namespaces may use of a server; taken over while it runs. */
  readonly serving: ServingConfig;
  /** Whether, and where else, Feast's clients are answered. */
  readonly feast: FeastConfig;
  /** By which doors requests come in, and how they are closed. */
  readonly listen: ListenConfig;
  /** What bytes cost. */
  readonly cost: CostConfig;
  /** Where rows are published for processes that only read; null: nowhere. */
  readonly store: StoreConfig;
}

/** The names of these settings in the file. */
export const PART_NAMES = [
  'access',
  'connectors',
  'cost',
  'duckdbExtensions',
  'feast',
  'imports',
  'listen',
  'namespaces',
  'openLineage',
  'postgres',
  'privacy',
  'quotas',
  'registry',
  'retention',
  'serving',
  'store',
];

/** @param path of the file, for paths that are relative to it */
export function readParts(
  file: Readonly<Record<string, unknown>>,
  path: string,
  environment: Readonly<Record<string, string | undefined>>,
): { readonly parts: ConfigParts; readonly issues: readonly Issue[] } {
  const folder = dirname(path);
  const { duckdbExtensions = null, postgres = {} } = file;
  const read = [
    readIssuers(file.access ?? {}, folder),
    readPrivacy(file.privacy, folder),
    readConnectors(file.connectors ?? [], folder, environment),
    readQuotas(file.quotas ?? {}),
    readRetention(file.retention ?? {}),
    readUpstreams(duckdbExtensions, postgres, folder, environment),
    readRegistry(file.registry ?? null, environment),
    readNamespaces(file.namespaces ?? null),
    readImports(file.imports ?? [], folder),
    readOpenLineage(file.openLineage ?? null, folder, environment),
    readServing(file.serving ?? {}),
    readCost(file.cost ?? {}),
    readFeast(file.feast),
    readListen(file.listen, folder),
    readStore(file.store, folder, environment),
  ] as const;
  const [issuers, privacy, connectors, quotas, retention, upstreams, ...others] = read;
  const [registry, namespaces, imports, openLineage, serving, cost, feast, listen, store] = others;
  const { issues: _, ...upstream } = upstreams;
  const parts = {
    ...upstream,
    issuers: issuers.issuers,
    privacy: privacy.privacy,
    connectors: connectors.connectors,
    quotas: quotas.quotas,
    retention: retention.retention,
    registry: registry.registry,
    namespaces: namespaces.namespaces,
    imports: imports.imports,
    openLineage: openLineage.openLineage,
    serving: serving.serving,
    cost: cost.cost,
    feast: feast.feast,
    listen: listen.listen,
    store: store.store,
  };
  return { parts, issues: read.flatMap(({ issues }) => issues) };
}
