/** What a namespace may read, and has read. */
export interface TenantStatus {
  readonly namespace: string;
  readonly weight: number;
  /** Each second; null: without a bound. */
  readonly quota: {
    readonly requests: number | null;
    readonly rows: number | null;
    readonly cpuMs: number | null;
  };
  readonly admitted: number;
  readonly rows: number;
  /** Of the admitted, those that had to wait for their turn; and those that wait now. */
  readonly queued: number;
  readonly waiting: number;
  /** By reason: a quota of requests, rows or CPU, a full queue, or a turn that came too late. */
  readonly refused: Readonly<Record<'requests' | 'rows' | 'cpu' | 'queue' | 'late', number>>;
  readonly cpuMs: number;
}
