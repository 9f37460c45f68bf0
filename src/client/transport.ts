import { stopwatchMs } from '../base/clock.ts';
import { AsofError, ERRORS, type ErrorCode } from '../base/errors.ts';
import { LIMITS } from '../base/limits.ts';
import type { Pause } from '../base/pause.ts';
import { parseJson } from '../schema/json.ts';
import type { ErrorAnswer } from './answer.ts';

/** A token, or what gives one for each attempt: those of an issuer end after a while. */
export type Token = string | (() => string | Promise<string>);

export interface TransportOptions {
  readonly baseUrl: string;
  readonly fetch: typeof fetch;
  readonly headers: Readonly<Record<string, string>>;
  readonly token?: Token;
  /** Of one attempt. */
  readonly timeoutMs: number;
  /** Of one call, with all its attempts and the pauses between them. */
  readonly deadlineMs: number;
  readonly attempts: number;
  readonly pause: Pause;
  /** From 0 to 1. */
  readonly random: () => number;
}

export interface CallOptions {
  /** Ends the call, retries included. */
  readonly signal?: AbortSignal;
  /** Of this call, with all its attempts and the pauses between them. */
  readonly deadlineMs?: number;
}

export interface HttpCall {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly body?: string | Uint8Array<ArrayBuffer>;
  readonly contentType?: string;
  /** Statuses whose body is an answer, not an error. */
  readonly answers: readonly number[];
}

const FIRST_PAUSE_MS = 100;
/** Of a pause, the part that is left to chance. */
const SPREAD = 0.25;

/**
 * One call with its retries: only errors that say of themselves that they may pass are tried
 * again, at most `attempts` times, after the time the server asks for, or else a little later each
 * time. Where the call has not that much time left, the error is told at once.
 * @throws AsofError with the server's code and remedy, or `server_unreachable`
 */
export async function send(
  options: TransportOptions,
  call: HttpCall,
  { signal, deadlineMs = options.deadlineMs }: CallOptions,
): Promise<unknown> {
  const endMs = stopwatchMs() + deadlineMs;
  const attempts = Math.min(Math.max(1, options.attempts), LIMITS.clientAttempts);
  for (let attempt = 1; ; attempt++) {
    const leftMs = Math.max(1, Math.ceil(endMs - stopwatchMs()));
    const timeoutMs = Math.min(options.timeoutMs, leftMs);
    const outcome = await attemptOnce({ ...options, timeoutMs }, call, signal);
    if (outcome.error === null) return outcome.body;
    if (!outcome.error.retryable || attempt >= attempts) throw outcome.error;
    const backoffMs = FIRST_PAUSE_MS * 2 ** (attempt - 1);
    // Spread, so that those who failed together do not all come back together; never too early.
    const spread = 1 + SPREAD * options.random();
    const pauseMs = (outcome.retryAfterMs ?? backoffMs) * spread;
    if (stopwatchMs() + pauseMs >= endMs) throw outcome.error;
    await options.pause(pauseMs, signal);
  }
}

type Outcome =
  | { readonly error: null; readonly body: unknown }
  | { readonly error: AsofError; readonly retryAfterMs: number | null };

async function attemptOnce(
  options: TransportOptions,
  call: HttpCall,
  signal: AbortSignal | undefined,
): Promise<Outcome> {
  signal?.throwIfAborted();
  const timeout = AbortSignal.timeout(options.timeoutMs);
  const authorization = await authorizationOf(options);
  let response: Response;
  let text: string;
  try {
    response = await options.fetch(options.baseUrl + call.path, {
      method: call.method,
      signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
      headers: {
        ...options.headers,
        ...authorization,
        ...(call.contentType === undefined ? {} : { 'content-type': call.contentType }),
      },
      ...(call.body === undefined ? {} : { body: call.body }),
    });
    text = await response.text();
  } catch (cause) {
    if (signal?.aborted === true) throw signal.reason;
    return { error: unreachable(options, timeout, cause), retryAfterMs: null };
  }
  const body = parsed(text);
  if (call.answers.includes(response.status) && isAnswer(body)) return { error: null, body };
  const error = errorOf(response.status, body);
  const retryAfter = Number(response.headers.get('retry-after') ?? Number.NaN);
  const toldMs = Number.isFinite(retryAfter) && retryAfter >= 0 ? retryAfter * 1000 : null;
  return { error, retryAfterMs: error.retryAfterMs ?? toldMs };
}

async function authorizationOf({ token }: TransportOptions): Promise<Record<string, string>> {
  if (token === undefined) return {};
  const text = typeof token === 'string' ? token : await token();
  return { authorization: `Bearer ${text}` };
}

function unreachable(options: TransportOptions, timeout: AbortSignal, cause: unknown): AsofError {
  const reason = cause instanceof Error ? reasonOf(cause) : String(cause);
  const message = timeout.aborted
    ? `${options.baseUrl} did not answer within ${options.timeoutMs} ms.`
    : `${options.baseUrl} could not be reached: ${reason}.`;
  return new AsofError('server_unreachable', message, { path: options.baseUrl, cause });
}

/** `fetch failed` says nothing; what failed stands in its cause. */
function reasonOf(error: Error): string {
  return error.cause instanceof Error && error.cause.message !== ''
    ? error.cause.message
    : error.message;
}

function parsed(text: string): unknown {
  try {
    return parseJson(text);
  } catch {
    return null;
  }
}

function isAnswer(body: unknown): body is object {
  return typeof body === 'object' && body !== null && !('error' in body);
}

function errorOf(status: number, body: unknown): AsofError {
  if (typeof body === 'object' && body !== null && 'error' in body && isError(body.error)) {
    const { code, message, path, remedy, issues, retryAfterMs } = body.error;
    return new AsofError(isCode(code) ? code : 'internal', message, {
      remedy,
      ...(path === null ? {} : { path }),
      ...(issues === undefined ? {} : { issues }),
      ...(typeof retryAfterMs === 'number' && retryAfterMs >= 0 ? { retryAfterMs } : {}),
    });
  }
  const code = status === 429 ? 'overloaded' : status >= 500 ? 'server_unreachable' : 'bad_request';
  return new AsofError(code, `The server answered ${status} without an error of asof's form.`, {
    remedy: 'Check that the address is that of an asof server.',
  });
}

function isError(error: unknown): error is ErrorAnswer {
  return (
    typeof error === 'object' &&
    error !== null &&
    'code' in error &&
    typeof error.code === 'string' &&
    'message' in error &&
    typeof error.message === 'string' &&
    'remedy' in error &&
    typeof error.remedy === 'string' &&
    'path' in error &&
    (error.path === null || typeof error.path === 'string')
  );
}

function isCode(code: string): code is ErrorCode {
  return Object.hasOwn(ERRORS, code);
}
