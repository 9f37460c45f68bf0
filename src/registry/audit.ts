import type { Selectable } from 'kysely';
import type { Clock } from '../base/clock.ts';
import { AsofError } from '../base/errors.ts';
import { LIMITS } from '../base/limits.ts';
import { canonicalJson } from '../plan/canonical.ts';
import { type AuditHead, type AuditKeys, GENESIS, type StoredAuditEntry } from './audit-chain.ts';
import type { AuditEntry } from './audit-entry.ts';
import type { AuditTable } from './audit-tables.ts';
import { AuditChain, type AuditReport } from './audit-verify.ts';
import { inTransaction, type RegistryDatabase } from './database.ts';

/** What is to be found; what is not given is not asked for. */
export interface AuditFilter {
  readonly sinceMs?: number;
  readonly actor?: string;
  readonly action?: string;
  /** Entries of these namespaces alone. */
  readonly namespaces?: readonly string[];
  /** The newest so many. */
  readonly limit: number;
}

/** The namespace of entries that concern no single one. */
export const EVERY_NAMESPACE = '*';

/**
 * The audit: entries that are only ever appended, each with the hash of the one before. Written in
 * the transaction of the change it tells of, it holds what happened and nothing that did not.
 */
export class AuditBook {
  readonly #db: RegistryDatabase;
  readonly #clock: Clock;
  readonly #keys: AuditKeys;

  constructor(db: RegistryDatabase, clock: Clock, keys: AuditKeys) {
    this.#db = db;
    this.#clock = clock;
    this.#keys = keys;
  }

  /** The same book in a transaction: its entries are there if the transaction is. */
  within(db: RegistryDatabase): AuditBook {
    return new AuditBook(db, this.#clock, this.#keys);
  }

  /**
   * Adds entries, in their order; `atMs` is now, where an entry brings none of its own.
   * @throws AsofError `audit_key_missing` where entries were signed, and these would not be
   */
  async append(...entries: readonly AuditNote[]): Promise<void> {
    if (entries.length === 0) return;
    await inTransaction(this.#db, async (db) => {
      let head = await lockedHead(db);
      this.#requireKey(head.keyId);
      for (const entry of entries) {
        head = await this.#add(db, head, entry);
      }
      await db
        .updateTable('audit_head')
        .set({ seq: head.seq, key_id: head.keyId, hash: head.hash })
        .where('id', '=', 1)
        .execute();
    });
  }

  async #add(db: RegistryDatabase, head: LockedHead, entry: AuditNote): Promise<LockedHead> {
    const keyId = this.#keys.signingId;
    const row = {
      seq: head.seq + 1,
      atMs: entry.atMs ?? this.#clock.nowMs(),
      actor: storable(entry.actor),
      action: storable(entry.action),
      namespace: storable(entry.namespace),
      target: storable(entry.target),
      outcome: entry.outcome,
      details: canonicalJson(entry.details),
      keyId,
    };
    const hash = this.#keys.hash(head.hash, row);
    if (hash === null) throw keyMissing(keyId);
    const { atMs, keyId: _, ...columns } = row;
    await db
      .insertInto('audit')
      .values({ ...columns, at_ms: atMs, key_id: keyId, prev_hash: head.hash, hash })
      .execute();
    return { seq: row.seq, keyId, hash };
  }

  /** One entry that is not signed would let somebody write all before it anew. */
  #requireKey(headKeyId: string): void {
    if (headKeyId === '') return;
    if (this.#keys.signingId === '' || !this.#keys.knows(headKeyId)) throw keyMissing(headKeyId);
  }

  /** The newest entry: kept elsewhere, it proves later that nothing was cut off. */
  async head(): Promise<AuditHead> {
    const row = await this.#db
      .selectFrom('audit_head')
      .select(['seq', 'hash'])
      .where('id', '=', 1)
      .executeTakeFirst();
    return row === undefined ? { seq: 0, hash: GENESIS } : { seq: row.seq, hash: row.hash };
  }

  /** The newest entries that fit, the newest first. */
  async list(filter: AuditFilter): Promise<StoredAuditEntry[]> {
    const { sinceMs, actor, action, namespaces, limit } = filter;
    let query = this.#db.selectFrom('audit').selectAll().orderBy('seq', 'desc').limit(limit);
    if (sinceMs !== undefined) query = query.where('at_ms', '>=', sinceMs);
    if (actor !== undefined) query = query.where('actor', '=', actor);
    if (action !== undefined) query = query.where('action', '=', action);
    if (namespaces !== undefined) {
      if (namespaces.length === 0) return [];
      query = query.where('namespace', 'in', namespaces);
    }
    return (await query.execute()).map(entryOf);
  }

  /** All entries after a number, in order, a bounded number of them in memory at a time. */
  async *entriesAfter(seq = Number.MIN_SAFE_INTEGER): AsyncGenerator<StoredAuditEntry> {
    let last = seq;
    for (;;) {
      const rows = await this.#db
        .selectFrom('audit')
        .selectAll()
        .where('seq', '>', last)
        .orderBy('seq')
        .limit(LIMITS.auditPageEntries)
        .execute();
      for (const row of rows) yield entryOf(row);
      const newest = rows.at(-1);
      if (newest === undefined) return;
      last = newest.seq;
    }
  }

  /**
   * Computes every hash again. What is appended meanwhile is looked at, too.
   * @param expected a head that was kept elsewhere, or null
   */
  async verify(
    expected: AuditHead | null,
    progress: (done: number, total: number) => void = () => {},
  ): Promise<AuditReport> {
    const chain = new AuditChain(this.#keys, expected, (hash) => this.#after(hash));
    const { seq: total } = await this.head();
    let last: number | undefined;
    for (;;) {
      // Read before the rows: at their end there are at least as many as it says.
      const stored = await this.head();
      const before = last;
      for await (const entry of this.entriesAfter(last)) {
        last = entry.seq;
        if (!chain.follow(entry)) return chain.end(stored);
        if (entry.seq % LIMITS.auditPageEntries === 0) progress(entry.seq, total);
      }
      if (last === before) return chain.end(stored);
    }
  }

  async #after(hash: string): Promise<StoredAuditEntry[]> {
    const rows = await this.#db
      .selectFrom('audit')
      .selectAll()
      .where('prev_hash', '=', hash)
      .orderBy('seq')
      .limit(LIMITS.auditPageEntries)
      .execute();
    return rows.map(entryOf);
  }
}

/** What is to be written; without a time it is of now. */
export type AuditNote = Omit<AuditEntry, 'atMs'> & { readonly atMs?: number };

interface LockedHead extends AuditHead {
  readonly keyId: string;
}

/** An update that changes nothing: on PostgreSQL others who append wait for it. */
async function lockedHead(db: RegistryDatabase): Promise<LockedHead> {
  const row = await db
    .updateTable('audit_head')
    .set((of) => ({ seq: of.ref('seq') }))
    .where('id', '=', 1)
    .returning(['seq', 'key_id', 'hash'])
    .executeTakeFirst();
  if (row !== undefined) return { seq: row.seq, keyId: row.key_id, hash: row.hash };
  throw new AsofError('audit_broken', 'The registry does not know any more where its audit ends.');
}

function keyMissing(keyId: string): AsofError {
  return new AsofError(
    'audit_key_missing',
    `Entries of the audit are signed by the key ${keyId}, which is not given.`,
  );
}

const NOT_STORABLE = /[\p{Cc}\p{Cs}]/gu;

/** Text that every database takes as it is: names come from requests, too. */
function storable(text: string): string {
  const cut =
    text.length > LIMITS.auditTextLength ? `${text.slice(0, LIMITS.auditTextLength)}…` : text;
  return cut.replace(NOT_STORABLE, '\ufffd');
}

function entryOf(row: Selectable<AuditTable>): StoredAuditEntry {
  const { at_ms, key_id, prev_hash, ...rest } = row;
  return { ...rest, atMs: at_ms, keyId: key_id, prevHash: prev_hash };
}
