import { stopwatchMs } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import type { Random } from '../base/random.ts';
import type { AnyListener, AnyRequest, AnyResponse } from './any-version.ts';
import { FEATURES_PATH } from './feature-path.ts';
import { givenRequestId, REQUEST_ID } from './request-id.ts';

export interface RequestLogOptions {
  readonly level: 'debug' | 'info' | 'warn';
  /** Of requests that went well, the share that is logged; all others are. */
  readonly sample: number;
  /** Requests that took longer are logged whatever the sample; null: no such. */
  readonly slowMs: number | null;
  readonly logger: Logger;
  readonly random: Random;
}

/** What those who answer a request say of it; never a key or a value. */
export interface RequestNote {
  /** The pattern of the path, as a path itself may hold names. */
  route: string;
  /** As HTTP says it, where the protocol says it otherwise. */
  status: number | null;
  rows: number | null;
}

const NOTES = new WeakMap<object, RequestNote>();

/** Of a request that is to be logged; undefined of all others. */
export function noteOf(response: AnyResponse): RequestNote | undefined {
  return NOTES.get(response);
}

/**
 * Names every request that is logged, gives the names of callers back, and writes one line for each
 * request: `receiveMs` until its body was there, `workMs` until its answer was, `sendMs` until that
 * was handed over.
 */
export function loggedRequests(
  options: RequestLogOptions | undefined,
  inner: AnyListener,
): AnyListener {
  if (options === undefined) {
    return (request, response) => {
      const given = request.headers[REQUEST_ID];
      if (given !== undefined) giveBack(givenRequestId(given), response);
      inner(request, response);
    };
  }
  let count = 0;
  return (request, response) => {
    count += 1;
    const id = givenRequestId(request.headers[REQUEST_ID]) ?? `request-${count}`;
    request.headers[REQUEST_ID] = id;
    giveBack(id, response);
    follow(options, id, request, response);
    inner(request, response);
  };
}

function giveBack(id: string | undefined, response: AnyResponse): void {
  if (id !== undefined) response.setHeader(REQUEST_ID, id);
}

function follow(
  options: RequestLogOptions,
  id: string,
  request: AnyRequest,
  response: AnyResponse,
): void {
  const startMs = stopwatchMs();
  let receivedMs = startMs;
  let answeredMs: number | null = null;
  const note: RequestNote = {
    route: request.url === FEATURES_PATH ? FEATURES_PATH : 'unknown',
    ...{ status: null, rows: null },
  };
  NOTES.set(response, note);
  request.once('end', () => {
    receivedMs = stopwatchMs();
  });
  const whenAnswered = (): void => {
    answeredMs ??= stopwatchMs();
  };
  response.once('prefinish', whenAnswered);
  response.once('finish', whenAnswered);
  response.once('close', () => {
    const endMs = stopwatchMs();
    const isCut = answeredMs === null;
    const status = note.status ?? response.statusCode;
    const isFine = status < 400 && !isCut;
    const isSlow = options.slowMs !== null && endMs - startMs > options.slowMs;
    if (isFine && !isSlow && options.random.next() >= options.sample) return;
    const { logger, level } = options;
    logger[status >= 500 ? 'warn' : level](
      {
        ...{ requestId: id, method: request.method, route: note.route },
        ...{ http: request.httpVersion, status },
        ...(note.rows === null ? {} : { rows: note.rows }),
        ...(isCut ? { cut: true } : {}),
        ms: rounded(endMs - startMs),
        receiveMs: rounded(receivedMs - startMs),
        workMs: rounded((answeredMs ?? endMs) - receivedMs),
        sendMs: rounded(endMs - (answeredMs ?? endMs)),
      },
      'request',
    );
  });
}

/** To the microsecond. */
function rounded(durationMs: number): number {
  return Math.round(durationMs * 1000) / 1000;
}
