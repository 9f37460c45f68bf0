import type { Selectable } from 'kysely';
import type { AuditBook } from './audit.ts';
import { inTransaction, type RegistryDatabase } from './database.ts';
import { LIFECYCLE_KINDS, type LifecycleKind } from './lifecycle.ts';
import type { NamespacesTable } from './lifecycle-tables.ts';

/** Which versions need approval: none, those of high risk, or all. */
export const REQUIREMENTS = ['none', 'high-risk', 'all'] as const;

export type Requirement = (typeof REQUIREMENTS)[number];

/** What the owners of a namespace ask before one of its versions is served. */
export interface NamespacePolicy {
  readonly name: string;
  /** For people, to know whom to ask; what somebody may do is a matter of grants. */
  readonly owners: readonly string[];
  /** By how many people each version must be approved. */
  readonly approvals: number;
  readonly requires: Requirement;
  /** The kinds that need approval at all. */
  readonly kinds: readonly LifecycleKind[];
}

/** Of a namespace for which nobody has set anything. */
export function defaultPolicy(name: string): NamespacePolicy {
  return { name, owners: [], approvals: 1, requires: 'high-risk', kinds: LIFECYCLE_KINDS };
}

export function needsApproval(
  { requires, kinds }: NamespacePolicy,
  kind: LifecycleKind,
  isRisky: boolean,
): boolean {
  return kinds.includes(kind) && (requires === 'all' || (requires === 'high-risk' && isRisky));
}

/** Who changed something, and when. */
export interface ChangedBy {
  /** `Principal.id`, or the name given on a command line of a project without access control. */
  readonly actor: string;
  readonly nowMs: number;
}

/** All policies that were set. */
export async function policiesIn(db: RegistryDatabase): Promise<NamespacePolicy[]> {
  const rows = await db.selectFrom('namespaces').selectAll().orderBy('name').execute();
  return rows.map(policyOf);
}

/** The policies of namespaces. */
export class NamespaceBook {
  readonly #db: RegistryDatabase;
  readonly #audit: AuditBook;

  constructor(db: RegistryDatabase, audit: AuditBook) {
    this.#db = db;
    this.#audit = audit;
  }

  /** Those that were set. */
  list(): Promise<NamespacePolicy[]> {
    return policiesIn(this.#db);
  }

  /** Of any namespace, known or not. */
  async of(name: string): Promise<NamespacePolicy> {
    const row = await this.#db
      .selectFrom('namespaces')
      .selectAll()
      .where('name', '=', name)
      .executeTakeFirst();
    return row === undefined ? defaultPolicy(name) : policyOf(row);
  }

  /** What is given changes; all else stays as it was. */
  set(
    name: string,
    change: Partial<Omit<NamespacePolicy, 'name'>>,
    { actor, nowMs }: ChangedBy,
  ): Promise<NamespacePolicy> {
    return inTransaction(this.#db, async (db) => {
      const before = await new NamespaceBook(db, this.#audit).of(name);
      const policy: NamespacePolicy = { ...before, ...change };
      const values = {
        owners: JSON.stringify(policy.owners),
        approvals: policy.approvals,
        requires: policy.requires,
        kinds: JSON.stringify(policy.kinds),
        changed_ms: nowMs,
        changed_by: actor,
      };
      await db
        .insertInto('namespaces')
        .values({ name, ...values })
        .onConflict((row) => row.column('name').doUpdateSet(values))
        .execute();
      await this.#audit.within(db).append({
        ...{ atMs: nowMs, actor, action: 'namespace.set', namespace: name, outcome: 'done' },
        target: `namespace ${name}`,
        details: { before, after: policy },
      });
      return policy;
    });
  }
}

function policyOf(row: Selectable<NamespacesTable>): NamespacePolicy {
  const requires = REQUIREMENTS.find((one) => one === row.requires) ?? 'all';
  const kinds = textList(row.kinds);
  return {
    name: row.name,
    owners: textList(row.owners),
    approvals: row.approvals,
    requires,
    kinds: LIFECYCLE_KINDS.filter((kind) => kinds.includes(kind)),
  };
}

/** A JSON list of texts. */
export function textList(text: string): string[] {
  const parsed: unknown = JSON.parse(text);
  return Array.isArray(parsed) ? parsed.filter((one) => typeof one === 'string') : [];
}
