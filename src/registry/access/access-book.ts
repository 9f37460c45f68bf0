import { AsofError } from '../../base/errors.ts';
import type { PartRule } from '../../plan/restricted-parts.ts';
import { noteChange } from '../changes.ts';
import { inTransaction, type RegistryDatabase } from '../database.ts';
import { identityOf, isRole, keyOf, ruleOf } from './access-rows.ts';
import {
  type AccessFacts,
  AccessSnapshot,
  type ApiKey,
  type GrantRow,
  type Identity,
} from './access-snapshot.ts';

/** Who changes something, and when. */
export interface By {
  readonly actor: string;
  readonly nowMs: number;
}

export type NewKey = Pick<ApiKey, 'id' | 'identity' | 'hash' | 'expiresMs'>;

/** Identities, keys, grants and rules in the registry; every change makes the revision grow. */
export class AccessBook {
  readonly #db: RegistryDatabase;

  constructor(db: RegistryDatabase) {
    this.#db = db;
  }

  /** What servers ask every moment: whether there is anything new. */
  async revision(): Promise<number> {
    return (await this.#state()).revision;
  }

  /** All of it as of one moment: read again if something changed meanwhile, and never locked. */
  async facts(): Promise<AccessFacts> {
    for (;;) {
      const before = await this.#state();
      const read = await this.#read();
      const after = await this.#state();
      if (after.revision !== before.revision) continue;
      return { enabled: after.enabled === 1, revision: after.revision, ...read };
    }
  }

  #state(): Promise<{ readonly enabled: number; readonly revision: number }> {
    return this.#db
      .selectFrom('access_state')
      .select(['enabled', 'revision'])
      .executeTakeFirstOrThrow();
  }

  async #read(): Promise<Pick<AccessFacts, 'identities' | 'keys' | 'grants' | 'rules'>> {
    const db = this.#db;
    const identities = await db.selectFrom('identities').selectAll().orderBy('name').execute();
    const keys = await db.selectFrom('api_keys').selectAll().orderBy('created_ms').execute();
    const grants = await db.selectFrom('grants').selectAll().orderBy('grantee').execute();
    const rules = await db.selectFrom('access_rules').selectAll().orderBy('definition').execute();
    return {
      identities: identities.map(identityOf),
      keys: keys.map(keyOf),
      grants: grants.flatMap(({ grantee, namespace, role }) =>
        isRole(role) ? [{ grantee, namespace, role }] : [],
      ),
      rules: rules.map(ruleOf),
    };
  }

  /**
   * Turns access control on, with a first identity that may do everything.
   * @throws AsofError `run_conflict` if it is on already
   */
  enable(admin: string, key: NewKey, by: By): Promise<void> {
    return this.#change(by, async (db, book) => {
      const { enabled } = await db
        .selectFrom('access_state')
        .select('enabled')
        .executeTakeFirstOrThrow();
      if (enabled === 1) {
        throw new AsofError('run_conflict', 'Access control is on already.', {
          remedy: 'An admin makes further keys: `asof access key create <identity>`.',
        });
      }
      await book.addIdentity(admin, [], by);
      await book.addKey(key, by);
      await book.grant({ grantee: `identity:${admin}`, namespace: '*', role: 'admin' }, by);
      await db.updateTable('access_state').set({ enabled: 1 }).execute();
    });
  }

  /** @throws AsofError `run_conflict` if there is one of this name */
  addIdentity(name: string, labels: readonly string[], by: By): Promise<void> {
    return this.#change(by, async (db) => {
      const known = await identity(db, name);
      if (known !== null) {
        throw new AsofError('run_conflict', `There is an identity '${name}' already.`, {
          path: name,
          remedy: 'Names of identities stay taken, as the audit tells of them. Choose another.',
        });
      }
      const values = { name, labels: JSON.stringify(labels), disabled: 0 };
      await db
        .insertInto('identities')
        .values({ ...values, created_ms: by.nowMs, created_by: by.actor })
        .execute();
    });
  }

  /** @throws AsofError `unknown_name`; `run_conflict` if nobody could administer any more */
  setIdentity(
    name: string,
    change: { readonly disabled?: boolean; readonly labels?: readonly string[] },
    by: By,
  ): Promise<void> {
    return this.#change(by, async (db) => {
      await knownIdentity(db, name);
      const { disabled, labels } = change;
      const values = {
        ...(disabled === undefined ? {} : { disabled: disabled ? 1 : 0 }),
        ...(labels === undefined ? {} : { labels: JSON.stringify(labels) }),
      };
      await db.updateTable('identities').set(values).where('name', '=', name).execute();
    });
  }

  /** @throws AsofError `unknown_name` of the identity */
  addKey(key: NewKey, by: By): Promise<void> {
    return this.#change(by, async (db) => {
      await knownIdentity(db, key.identity);
      await db
        .insertInto('api_keys')
        .values({
          id: key.id,
          identity: key.identity,
          hash: key.hash,
          created_ms: by.nowMs,
          created_by: by.actor,
          expires_ms: key.expiresMs,
          revoked_ms: null,
          last_used_ms: null,
        })
        .execute();
    });
  }

  /** A new key; those before stay good until `untilMs` at most. */
  rotateKey(key: NewKey, untilMs: number, by: By): Promise<void> {
    return this.#change(by, async (db, book) => {
      await db
        .updateTable('api_keys')
        .set({ expires_ms: untilMs })
        .where('identity', '=', key.identity)
        .where('revoked_ms', 'is', null)
        .where((or) => or.or([or('expires_ms', 'is', null), or('expires_ms', '>', untilMs)]))
        .execute();
      await book.addKey(key, by);
    });
  }

  /** @throws AsofError `unknown_name`; `run_conflict` if nobody could administer any more */
  revokeKey(id: string, by: By): Promise<void> {
    return this.#change(by, async (db) => {
      const key = await db.selectFrom('api_keys').select('id').where('id', '=', id).execute();
      if (key.length === 0) throw unknown('key', id);
      await db
        .updateTable('api_keys')
        .set({ revoked_ms: by.nowMs })
        .where('id', '=', id)
        .where('revoked_ms', 'is', null)
        .execute();
    });
  }

  /** Granting what is granted changes nothing. @throws AsofError `unknown_name` of an identity */
  grant({ grantee, namespace, role }: GrantRow, by: By): Promise<void> {
    return this.#change(by, async (db) => {
      if (grantee.startsWith('identity:')) await knownIdentity(db, grantee.slice(9));
      await db
        .insertInto('grants')
        .values({ grantee, namespace, role, granted_ms: by.nowMs, granted_by: by.actor })
        .onConflict((conflict) => conflict.doNothing())
        .execute();
    });
  }

  /** @throws AsofError `unknown_name`; `run_conflict` if nobody could administer any more */
  revoke({ grantee, namespace, role }: GrantRow, by: By): Promise<void> {
    return this.#change(by, async (db) => {
      const { numDeletedRows } = await db
        .deleteFrom('grants')
        .where('grantee', '=', grantee)
        .where('namespace', '=', namespace)
        .where('role', '=', role)
        .executeTakeFirstOrThrow();
      if (Number(numDeletedRows) === 0) throw unknown('grant', `${grantee} ${role} ${namespace}`);
    });
  }

  /** Adding what is there changes nothing. */
  addRule(rule: PartRule, by: By): Promise<void> {
    return this.#change(by, async (db) => {
      await db
        .insertInto('access_rules')
        .values({ ...rule, added_ms: by.nowMs, added_by: by.actor })
        .onConflict((conflict) => conflict.doNothing())
        .execute();
    });
  }

  /** @throws AsofError `unknown_name` */
  removeRule({ kind, definition, part, label }: PartRule, by: By): Promise<void> {
    return this.#change(by, async (db) => {
      const { numDeletedRows } = await db
        .deleteFrom('access_rules')
        .where('kind', '=', kind)
        .where('definition', '=', definition)
        .where('part', '=', part)
        .where('label', '=', label)
        .executeTakeFirstOrThrow();
      if (Number(numDeletedRows) === 0) throw unknown('rule', `${definition}.${part} ${label}`);
    });
  }

  /** When keys were used last; no change of what they may do. */
  async usedKeys(usedMs: ReadonlyMap<string, number>): Promise<void> {
    await inTransaction(this.#db, async (db) => {
      for (const [id, atMs] of usedMs) {
        await db
          .updateTable('api_keys')
          .set({ last_used_ms: atMs })
          .where('id', '=', id)
          .where((or) => or.or([or('last_used_ms', 'is', null), or('last_used_ms', '<', atMs)]))
          .execute();
      }
    });
  }

  /** One change: the revision grows, and somebody can still administer. */
  #change(by: By, work: (db: RegistryDatabase, book: AccessBook) => Promise<void>): Promise<void> {
    return inTransaction(this.#db, async (db) => {
      const book = new AccessBook(db);
      await work(db, book);
      await db
        .updateTable('access_state')
        .set((state) => ({ revision: state('revision', '+', 1) }))
        .execute();
      await noteChange(db, 'access');
      requireAnAdmin(await book.facts(), by.nowMs);
    });
  }
}

/** @throws AsofError `run_conflict` if access is on and nobody could change it any more */
function requireAnAdmin(facts: AccessFacts, nowMs: number): void {
  if (!facts.enabled) return;
  const admins = facts.grants.filter(
    ({ namespace, role }) => namespace === '*' && role === 'admin',
  );
  const snapshot = new AccessSnapshot(facts);
  const hasKey = (name: string): boolean =>
    facts.keys.some(
      ({ identity: of, revokedMs, expiresMs }) =>
        of === name && revokedMs === null && (expiresMs === null || expiresMs > nowMs),
    );
  const able = admins.some(({ grantee }) => {
    if (!grantee.startsWith('identity:')) return true;
    const name = grantee.slice(9);
    return snapshot.principalOf(name) !== null && hasKey(name);
  });
  if (able) return;
  throw new AsofError('run_conflict', 'After this nobody could administer access any more.', {
    remedy: "Grant admin of '*' to another identity with a valid key first.",
  });
}

async function identity(db: RegistryDatabase, name: string): Promise<Identity | null> {
  const row = await db
    .selectFrom('identities')
    .selectAll()
    .where('name', '=', name)
    .executeTakeFirst();
  return row === undefined ? null : identityOf(row);
}

async function knownIdentity(db: RegistryDatabase, name: string): Promise<void> {
  if ((await identity(db, name)) === null) throw unknown('identity', name);
}

function unknown(what: string, name: string): AsofError {
  return new AsofError('unknown_name', `There is no ${what} '${name}'.`, {
    path: name,
    remedy: 'See `asof access identity list`, `asof access grants` and `asof access rule list`.',
  });
}
