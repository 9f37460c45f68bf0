import type { ServedStatus } from './status-codes.ts';
import { STATUS_BY_CODE } from './status-codes.ts';

/** How many outputs have each status. */
export type StatusCounts = { [status in ServedStatus]: number };

export function noStatuses(): StatusCounts {
  return {
    present: 0,
    default: 0,
    error: 0,
    missing: 0,
    expired: 0,
    stale: 0,
    timeout: 0,
    denied: 0,
  };
}

/** Of some slots of a row. */
export function countStatuses(statuses: Uint8Array, slots: Int32Array): StatusCounts {
  const counts = noStatuses();
  for (let i = 0; i < slots.length; i++) {
    counts[STATUS_BY_CODE[statuses[slots[i] as number] as number] as ServedStatus] += 1;
  }
  return counts;
}

export function addStatuses(to: StatusCounts, more: Readonly<StatusCounts>): void {
  to.present += more.present;
  to.default += more.default;
  to.error += more.error;
  to.missing += more.missing;
  to.expired += more.expired;
  to.stale += more.stale;
  to.timeout += more.timeout;
  to.denied += more.denied;
}
