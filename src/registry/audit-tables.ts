/** The tables of the audit as queries know them. */
export interface AuditTables {
  readonly audit: AuditTable;
  readonly audit_head: AuditHeadTable;
}

export interface AuditTable {
  seq: number;
  at_ms: number;
  actor: string;
  action: string;
  namespace: string;
  target: string;
  outcome: string;
  details: string;
  key_id: string;
  prev_hash: string;
  hash: string;
}

/** One row: what was written last. Whoever appends locks it, so that entries come one by one. */
interface AuditHeadTable {
  id: number;
  seq: number;
  key_id: string;
  hash: string;
}
