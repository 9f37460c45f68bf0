import {
  Agent,
  type IncomingHttpHeaders,
  type ServerResponse,
  request as sendRequest,
} from 'node:http';
import { AsofError } from '../../base/errors.ts';
import { LIMITS } from '../../base/limits.ts';
import type { AnyListener, AnyRequest, AnyResponse } from '../../http/any-version.ts';
import { errorText, JSON_TYPE } from '../../http/error-answers.ts';

/** Of one connection, not of a request. */
const HOP_BY_HOP = new Set([
  ...['connection', 'keep-alive', 'proxy-connection', 'te', 'trailer', 'transfer-encoding'],
  ...['upgrade', 'expect', 'http2-settings'],
]);

/** Refuses what only the primary does, and says where that is. */
export function refusing(primary: () => string | null): AnyListener {
  return (request, response) => {
    const url = primary();
    const [path = ''] = (request.url ?? '').split('?', 1);
    const where = url === null ? '' : ` It is at ${url}.`;
    const message = `${request.method} ${path} is for the primary; this process only reads.${where}`;
    answerError(request, response, new AsofError('not_primary', message, { path }));
  };
}

/**
 * Hands requests on to the primary as they are, and its answers back: bodies stream both ways, as
 * fast as the slower side takes them.
 */
export class Forwarder {
  readonly #primary: () => string | null;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: LIMITS.forwardSockets });
  /** Requests handed on, and those that could not be. */
  forwarded = 0;
  failed = 0;

  constructor(primary: () => string | null) {
    this.#primary = primary;
  }

  readonly answer: AnyListener = (request, response) => {
    const base = this.#primary();
    if (base === null) return this.#away(request, response);
    const url = new URL(base);
    const out = sendRequest({
      agent: this.#agent,
      host: url.hostname,
      port: url.port,
      method: request.method,
      path: request.url,
      headers: headersOf(request),
    });
    this.forwarded += 1;
    out.on('response', (answer) => {
      plain(response).writeHead(answer.statusCode ?? 502, kept(answer.headers, response));
      answer.pipe(plain(response));
      // What breaks half-way must not look whole.
      answer.on('aborted', () => response.destroy());
    });
    out.on('error', () => {
      if (response.headersSent) response.destroy();
      else this.#away(request, response);
    });
    response.on('close', () => {
      if (!response.writableEnded) out.destroy();
    });
    request.on('error', () => out.destroy());
    request.pipe(out);
  };

  close(): void {
    this.#agent.destroy();
  }

  #away(request: AnyRequest, response: AnyResponse): void {
    this.failed += 1;
    const message = 'The primary does not answer; features are still answered here.';
    answerError(request, response, new AsofError('primary_away', message));
  }
}

function headersOf({ headers }: AnyRequest): IncomingHttpHeaders {
  const sent: IncomingHttpHeaders = {};
  for (const [name, value] of Object.entries(headers)) {
    if (name.startsWith(':') || HOP_BY_HOP.has(name)) continue;
    sent[name] = value;
  }
  const authority = headers[':authority'];
  if (sent.host === undefined && typeof authority === 'string') sent.host = authority;
  return sent;
}

function kept(headers: IncomingHttpHeaders, response: AnyResponse): IncomingHttpHeaders {
  const sent: IncomingHttpHeaders = {};
  for (const [name, value] of Object.entries(headers)) {
    if (!HOP_BY_HOP.has(name) && !response.hasHeader(name)) sent[name] = value;
  }
  return sent;
}

function answerError(request: AnyRequest, response: AnyResponse, error: AsofError): void {
  const text = errorText(error);
  // Nobody reads the rest of its body.
  request.resume();
  plain(response).writeHead(error.status, {
    'content-type': JSON_TYPE,
    'content-length': Buffer.byteLength(text),
    ...(error.retryable ? { 'retry-after': '1' } : {}),
  });
  response.end(text);
}

/** Responses of HTTP/2 have the face of those of HTTP/1.1, but not the type. */
function plain(response: AnyResponse): ServerResponse {
  return response as ServerResponse;
}
