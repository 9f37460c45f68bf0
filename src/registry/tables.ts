import type { Generated } from 'kysely';
import type { AccessTables } from './access/access-tables.ts';
import type { AuditTables } from './audit-tables.ts';
import type { ForgottenTables } from './forgotten-tables.ts';
import type { LifecycleTables } from './lifecycle-tables.ts';
import type { PlanTables } from './plan-tables.ts';
import type { ShadowTables } from './shadow-tables.ts';
import type { TokenKeyTables } from './token-key-tables.ts';

/**
 * The tables of the registry as queries know them. Whoever adds tables declares them in a file of
 * their own and adds them here; every number is a whole one, every time is in milliseconds.
 */
export interface RegistryTables
  extends CoreTables,
    AccessTables,
    AuditTables,
    ForgottenTables,
    LifecycleTables,
    PlanTables,
    ShadowTables,
    TokenKeyTables {}

interface CoreTables {
  readonly asof_migrations: MigrationsTable;
  readonly definitions: DefinitionsTable;
  readonly takeovers: TakeoversTable;
  readonly datasets: DatasetsTable;
  readonly validations: ValidationsTable;
  readonly releases: ReleasesTable;
}

/** The migrations that have run. */
interface MigrationsTable {
  name: string;
}

/** What each `name@version` means, for ever. */
interface DefinitionsTable {
  kind: string;
  name: string;
  version: number;
  hash: string;
  first_applied_ms: number;
}

interface TakeoversTable {
  id: Generated<number>;
  generation: number;
  at_ms: number;
  through_commit: number;
}

export interface DatasetsTable {
  name: string;
  number: number;
  state: string;
  created_ms: number;
  author: string;
  generation: number;
  through_commit: number;
  manifest: string | null;
  deleted_ms: number | null;
}

export interface ValidationsTable {
  id: Generated<number>;
  view: string;
  version: number;
  hash: string;
  against_hash: string | null;
  result: string;
  created_ms: number;
  report: string;
}

export interface ReleasesTable {
  id: Generated<number>;
  service: string;
  action: string;
  live: number;
  before: number | null;
  canary: number | null;
  canary_ppm: number;
  at_ms: number;
  author: string;
  reason: string | null;
  evidence: string;
}
