/** One line of the audit: who did or tried what, to what, and how it ended. */
export interface AuditEntry {
  readonly atMs: number;
  /** `Principal.id`. */
  readonly actor: string;
  /** An action of the policy, such as `definitions.apply` or `features.read`. */
  readonly action: string;
  readonly namespace: string;
  /** What it was done to, such as `view fraud.spend@2`; never a secret, never an entity's raw id. */
  readonly target: string;
  readonly outcome: 'done' | 'denied' | 'failed';
  /** Plain JSON: counts, hashes, reasons. */
  readonly details: Readonly<Record<string, unknown>>;
}

/** Where entries go: the audit book of the registry, or what gathers them before it. */
export interface AuditSink {
  note(entry: Omit<AuditEntry, 'atMs'>): void;
}
