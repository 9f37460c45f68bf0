import type { IncomingHttpHeaders } from 'node:http';

/** The longest time that a timer of Node.js takes; for a longer one it would fire at once. */
const TIMER_MAX_MS = 2 ** 31 - 1;

const UNIT_MS: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1_000 };

/**
 * A deadline in weeks is none, and clients that mean none send one of years: it is taken away
 * before the library sets a timer for it.
 */
export function dropFarDeadlines(headers: IncomingHttpHeaders): void {
  const { 'grpc-timeout': grpc, 'connect-timeout-ms': connect } = headers;
  if (typeof grpc === 'string' && grpcMs(grpc) > TIMER_MAX_MS) delete headers['grpc-timeout'];
  if (typeof connect === 'string' && /^\d{1,10}$/.test(connect) && Number(connect) > TIMER_MAX_MS) {
    delete headers['connect-timeout-ms'];
  }
}

/** NaN of what has no such unit: the others are too small to matter. */
function grpcMs(text: string): number {
  const [, digits, unit = ''] = /^(\d{1,8})([HMS])$/.exec(text) ?? [];
  return Number(digits) * (UNIT_MS[unit] ?? Number.NaN);
}
