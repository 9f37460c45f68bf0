import type { Single } from '../schema/types.ts';
import { keyHash } from '../store/key-hash.ts';

/** Which versions of a service answer requests that name none. */
export interface ServiceRoute {
  readonly service: string;
  readonly live: number;
  readonly canary: number | null;
  /** Of the keys, in millionths, that the canary answers. */
  readonly canaryPpm: number;
}

const HASHES = 2 ** 32;
const WHOLE_PPM = 1_000_000;

/**
 * Whether a key is among the share of a canary. It depends on service and key alone, so a key stays
 * where it is between requests and restarts, and a share that grows only adds keys.
 */
export function isCanaryKey(service: string, key: readonly Single[], canaryPpm: number): boolean {
  const hash = keyHash(`${service}\u0000${key.map(String).join('\u0000')}`);
  return Math.floor((hash / HASHES) * WHOLE_PPM) < canaryPpm;
}

/** Of the requests that name no version, the share of keys that each version answers. */
export function shareOf({ live, canary, canaryPpm }: ServiceRoute, version: number): number {
  const canaryShare = canary === null ? 0 : canaryPpm / WHOLE_PPM;
  return (version === live ? 1 - canaryShare : 0) + (version === canary ? canaryShare : 0);
}
