import {
  type AuditHead,
  type AuditKeys,
  GENESIS,
  type StoredAuditEntry,
  sameHash,
} from './audit-chain.ts';

/** What is wrong with a chain, where it is first wrong. */
export interface AuditBreak {
  /** The first entry that is not as it was written, or is not there. */
  readonly seq: number;
  readonly kind:
    | 'altered'
    | 'removed'
    | 'inserted'
    | 'reordered'
    | 'truncated'
    | 'unsigned'
    | 'key_missing';
  readonly why: string;
}

export interface AuditReport {
  /** Entries that were looked at and found whole. */
  readonly entries: number;
  /** Of the last one of them. */
  readonly head: AuditHead;
  /** How many, from the first on, anybody with the file alone could have written anew. */
  readonly unsigned: number;
  readonly broken: AuditBreak | null;
}

/**
 * Follows a chain entry by entry, in constant memory. It believes nothing that is stored: each hash
 * is computed again from the entry's own columns and the hash before it.
 */
export class AuditChain {
  readonly #keys: AuditKeys;
  readonly #expected: AuditHead | null;
  readonly #after: (hash: string) => Promise<readonly StoredAuditEntry[]>;
  #head: AuditHead = { seq: 0, hash: GENESIS };
  #unsigned = 0;
  /** The first entry that does not fit. */
  #wrong: StoredAuditEntry | null = null;

  /**
   * @param expected a head that was kept elsewhere: the chain must still hold it
   * @param after looks up the entries that say they follow a hash: one, unless somebody has written
   *   another; asked once it is known that the chain is broken, to tell how
   */
  constructor(
    keys: AuditKeys,
    expected: AuditHead | null,
    after: (hash: string) => Promise<readonly StoredAuditEntry[]>,
  ) {
    this.#keys = keys;
    this.#expected = expected;
    this.#after = after;
  }

  /** Whether the chain is whole so far. */
  follow(entry: StoredAuditEntry): boolean {
    if (this.#wrong !== null) return false;
    if (!this.#fits(entry)) {
      this.#wrong = entry;
      return false;
    }
    this.#head = { seq: entry.seq, hash: entry.hash };
    if (entry.keyId === '') this.#unsigned = entry.seq;
    return true;
  }

  /** @param storedHead what the database itself says was written last */
  async end(storedHead: AuditHead): Promise<AuditReport> {
    const wrong = this.#wrong;
    const broken = wrong === null ? this.#cutOff(storedHead) : await this.#breakAt(wrong);
    const { seq: entries } = this.#head;
    return { entries, head: this.#head, unsigned: this.#unsigned, broken };
  }

  /** Whether an entry is the one that belongs here, as it was written. */
  #fits(entry: StoredAuditEntry): boolean {
    const { seq, keyId, prevHash, hash } = entry;
    const expected = this.#expected;
    return (
      seq === this.#head.seq + 1 &&
      this.#keys.knows(keyId) &&
      (keyId !== '' || !this.#isSigned) &&
      sameHash(prevHash, this.#head.hash) &&
      this.#isWhole(entry) &&
      (expected?.seq !== seq || sameHash(expected.hash, hash))
    );
  }

  get #isSigned(): boolean {
    return this.#unsigned < this.#head.seq;
  }

  /** What is wrong with an entry that does not fit. */
  async #breakAt(entry: StoredAuditEntry): Promise<AuditBreak> {
    const seq = this.#head.seq + 1;
    if (entry.seq < seq) {
      return { seq: entry.seq, kind: 'inserted', why: 'entries are numbered from 1' };
    }
    if (entry.seq > seq) return this.#missing(seq);
    const { keyId } = entry;
    if (!this.#keys.knows(keyId)) {
      const why = `it is signed by the key ${keyId}, which is not among those of ASOF_AUDIT_KEY`;
      return { seq, kind: 'key_missing', why };
    }
    if (keyId === '' && this.#isSigned) {
      return { seq, kind: 'unsigned', why: 'it is not signed, and entries before it are' };
    }
    const follows = sameHash(entry.prevHash, this.#head.hash);
    if (!follows || !this.#isWhole(entry)) return this.#displaced(entry);
    const why = 'it fits its place, and is not the entry of the head that was given';
    return { seq, kind: 'altered', why };
  }

  #isWhole(entry: StoredAuditEntry): boolean {
    const hash = this.#keys.hash(entry.prevHash, entry);
    return hash !== null && sameHash(hash, entry.hash);
  }

  /** The number `seq` is not there: taken away, or under another number. */
  async #missing(seq: number): Promise<AuditBreak> {
    const moved = await this.#rightful(seq);
    if (moved !== null) {
      return { seq, kind: 'reordered', why: `it now stands as number ${moved.seq}` };
    }
    return { seq, kind: 'removed', why: 'there is no entry of this number' };
  }

  /** Another entry stands where `seq` should, or the right one with other content. */
  async #displaced(entry: StoredAuditEntry): Promise<AuditBreak> {
    const { seq } = entry;
    const rightful = await this.#rightful(seq);
    if (rightful === null) {
      return { seq, kind: 'altered', why: 'its content and its hash do not fit' };
    }
    const swapped = this.#isWhole({ ...entry, seq: rightful.seq });
    const why = swapped
      ? `it stands as number ${rightful.seq}, and what was number ${rightful.seq} stands here`
      : `what was number ${seq} stands as number ${rightful.seq}`;
    return { seq, kind: swapped ? 'reordered' : 'inserted', why };
  }

  /** The entry that was written with this number, under whatever number it stands now. */
  async #rightful(seq: number): Promise<StoredAuditEntry | null> {
    const candidates = await this.#after(this.#head.hash);
    return candidates.find((one) => one.seq !== seq && this.#isWhole({ ...one, seq })) ?? null;
  }

  #cutOff(storedHead: AuditHead): AuditBreak | null {
    const seq = this.#head.seq + 1;
    const expected = this.#expected;
    if (expected !== null && expected.seq >= seq) {
      const why = `the head that was given is number ${expected.seq}; the log ends before it`;
      return { seq, kind: 'truncated', why };
    }
    if (storedHead.seq >= seq) {
      const why = `the registry wrote up to number ${storedHead.seq}; the log ends before it`;
      return { seq, kind: 'truncated', why };
    }
    if (storedHead.seq === this.#head.seq && sameHash(storedHead.hash, this.#head.hash))
      return null;
    const why = `the registry says that number ${storedHead.seq} was the last one it wrote`;
    return { seq: Math.min(seq, storedHead.seq + 1), kind: 'inserted', why };
  }
}
