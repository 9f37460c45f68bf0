/** The bounds of the read path, of online stores, and of the doors that answer features. */
export const SERVING_LIMITS = {
  /** A request that names no deadline, and whose service declares none, has this long. */
  requestTimeoutMs: 5_000,
  /** The longest time that a request may ask for. */
  requestTimeoutMaxMs: 60_000,
} as const;
