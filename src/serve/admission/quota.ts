/** What a namespace may use of a server, each second; null: as much as there is. */
export interface Quota {
  readonly requests: number | null;
  readonly rows: number | null;
  /** Milliseconds of the one thread, and of workers where functions of the namespace run. */
  readonly cpuMs: number | null;
  /** Its share where the server is busy, against the others' weights. */
  readonly weight: number;
  /** For so long what was not used is saved up. */
  readonly burstSeconds: number;
}

/** Quotas by namespace; `*` is of all that have none of their own. */
export type Quotas = Readonly<Record<string, Quota>>;

/** Of a namespace of which nothing is said. */
export const NO_QUOTA: Quota = {
  ...{ requests: null, rows: null, cpuMs: null },
  ...{ weight: 1, burstSeconds: 1 },
};

/** What is told of why a request was sent away. */
export type RefusalReason = 'requests' | 'rows' | 'cpu' | 'queue' | 'late';

/** One namespace as the server sees it, since its start. */
export interface TenantStatus {
  readonly namespace: string;
  readonly weight: number;
  readonly quota: Pick<Quota, 'requests' | 'rows' | 'cpuMs'>;
  /** Requests that were answered, or are about to be. */
  readonly admitted: number;
  readonly rows: number;
  /** Of these, those that had to wait for their turn. */
  readonly queued: number;
  /** That wait now. */
  readonly waiting: number;
  readonly refused: Readonly<Record<RefusalReason, number>>;
  readonly cpuMs: number;
}
