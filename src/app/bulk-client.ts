import { AsofError } from '../base/errors.ts';
import { LIMITS } from '../base/limits.ts';
import type { Pause } from '../base/pause.ts';
import { chance } from '../base/random.ts';
import { type HttpCall, send } from '../client/transport.ts';
import { BULK_TYPE } from '../ingest/bulk-body.ts';
import type {
  BulkReceiver,
  BulkResult,
  BulkStart,
  BulkTotals,
  IncomingChunk,
} from '../ingest/bulk-door.ts';

const FIRST_PAUSE_MS = 100;
/** Opening an engine anew for the first chunk may take long. */
const TIMEOUT_MS = 600_000;

/**
 * The bulk door of another process, over HTTP. What may pass is tried again for some minutes: a
 * chunk is taken once, however often it is sent.
 */
export class BulkClient implements BulkReceiver {
  readonly #url: string;
  readonly #pause: Pause;
  readonly #headers: Readonly<Record<string, string>>;

  /** @param headers say who asks, where access control is on */
  constructor(url: string, pause: Pause, headers: Readonly<Record<string, string>> = {}) {
    this.#url = url.replace(/\/+$/, '');
    this.#pause = pause;
    this.#headers = headers;
  }

  async taken(source: string, run: string): Promise<number> {
    return numberIn(await this.#call({ method: 'GET', path: pathOf(source, run) }), 'taken');
  }

  async start(source: string, run: string): Promise<BulkStart> {
    const answer = await this.#call({ method: 'POST', path: pathOf(source, run) });
    const { totals, session, finished, cutMs, liveFromMs, otherSpansMs } = answer;
    if (!isTotals(totals) || typeof session !== 'string') throw noAnswer();
    if (!isSpans(otherSpansMs)) throw noAnswer();
    return {
      taken: numberIn(answer, 'taken'),
      nowMs: numberIn(answer, 'nowMs'),
      finished: finished === true,
      totals,
      session,
      cutMs: timeOf(cutMs),
      liveFromMs: timeOf(liveFromMs),
      otherSpansMs,
    };
  }

  async take(chunk: IncomingChunk): Promise<BulkResult> {
    const { source, run, import: given } = chunk;
    const query = given === undefined ? '' : `?import=${encodeURIComponent(JSON.stringify(given))}`;
    const answer = await this.#call({
      method: 'POST',
      path: `${pathOf(source, run)}/${chunk.chunk}${query}`,
      body: new Uint8Array(chunk.body),
      contentType: BULK_TYPE,
    });
    const { fresh, rejected } = answer;
    if (!isCounts(rejected)) throw noAnswer();
    const [accepted, commit] = [numberIn(answer, 'accepted'), numberIn(answer, 'commit')];
    return { fresh: fresh === true, accepted, rejected, commit };
  }

  async finish(source: string, run: string): Promise<void> {
    await this.#call({ method: 'POST', path: `${pathOf(source, run)}/finish` });
  }

  async #call(call: Omit<HttpCall, 'answers'>): Promise<Record<string, unknown>> {
    const transport = {
      baseUrl: this.#url,
      fetch,
      headers: this.#headers,
      timeoutMs: TIMEOUT_MS,
      deadlineMs: TIMEOUT_MS,
      attempts: 1,
      pause: this.#pause,
      random: chance,
    };
    let waitedMs = 0;
    for (let attempt = 1; ; attempt++) {
      try {
        const body = await send(transport, { ...call, answers: [200] }, {});
        return typeof body === 'object' && body !== null ? { ...body } : {};
      } catch (error) {
        if (!(error instanceof AsofError) || attempt >= LIMITS.bulkAttempts) throw error;
        // A server follows what was just applied within a second or two.
        const isBehind = error.code === 'unknown_source' || error.code === 'schema_mismatch';
        const passes = isBehind ? waitedMs < LIMITS.bulkDefinitionsMs : error.retryable;
        if (!passes) throw error;
      }
      const pauseMs = Math.min(LIMITS.bulkPauseMs, FIRST_PAUSE_MS * 2 ** (attempt - 1));
      waitedMs += pauseMs;
      await this.#pause(pauseMs);
    }
  }
}

function pathOf(source: string, run: string): string {
  return `/v1/bulk/${encodeURIComponent(source)}/${encodeURIComponent(run)}`;
}

function numberIn(answer: Record<string, unknown>, name: string): number {
  const value = answer[name];
  if (typeof value === 'number') return value;
  throw noAnswer();
}

/** Absent and null mean different things. */
function timeOf(value: unknown): number | null | undefined {
  if (value === undefined || value === null) return value;
  return Number(value);
}

function isCounts(value: unknown): value is Record<string, number> {
  return typeof value === 'object' && value !== null;
}

function isTotals(value: unknown): value is BulkTotals {
  return isCounts(value) && 'read' in value && 'rejected' in value && 'left' in value;
}

function isSpans(value: unknown): value is [number, number][] {
  return (
    Array.isArray(value) &&
    value.every((span) => Array.isArray(span) && span.length === 2 && span.every(Number.isFinite))
  );
}

function noAnswer(): AsofError {
  return new AsofError('server_unreachable', 'The server answered as no bulk door does.', {
    remedy: 'Let command and server be of one version of asof.',
  });
}
