import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { AsofError, issue } from '../base/errors.ts';
import type { Logger } from '../base/logger.ts';
import { withoutSecrets } from '../base/secrets.ts';

/** Where nobody knows better. */
export const RETRY_AFTER_MS = 1_000;

/** For `retry-after`: whole seconds, at least one. */
export function retryAfterSeconds({ retryAfterMs }: AsofError): string {
  return String(Math.max(1, Math.ceil((retryAfterMs ?? RETRY_AFTER_MS) / 1000)));
}

export const JSON_TYPE = 'application/json; charset=utf-8';

/** The form of every error that leaves the server. */
export function errorText(error: AsofError): string {
  const known = TEXTS.get(error);
  if (known !== undefined) return known;
  const text = withoutSecrets(JSON.stringify({ error }));
  TEXTS.set(error, text);
  return text;
}

/** One refusal is told to many where a namespace is over its quota. */
const TEXTS = new WeakMap<AsofError, string>();

/** How a client learns in what form to say who it is. */
export const CHALLENGE = { 'www-authenticate': 'Bearer realm="asof"' } as const;

export function sendError(reply: FastifyReply, error: AsofError, status = error.status): void {
  if (error.code === 'unauthenticated') reply.headers(CHALLENGE);
  if (error.retryable) reply.header('retry-after', retryAfterSeconds(error));
  reply.code(status).header('content-type', JSON_TYPE).send(errorText(error));
}

export interface ErrorAnswer {
  readonly error: AsofError;
  readonly status: number;
}

/** Whatever was thrown, in the one form; defects are logged under an id and not shown. */
export function errorAnswer(
  thrown: unknown,
  logger: Logger,
  request: { readonly url: string; readonly id: string },
): ErrorAnswer {
  if (thrown instanceof AsofError) {
    // Who is sent away because many are is counted: a line for each would make it worse.
    const isCounted = thrown.code === 'overloaded';
    if (thrown.domain !== 'user' && !isCounted)
      logger.error({ error: thrown, url: request.url }, thrown.message);
    const error = thrown.code === 'corrupt_state' ? mending(thrown) : thrown;
    return { error, status: error.status };
  }
  const framework = thrown as Partial<FastifyError>;
  const known = frameworkError(framework);
  if (known !== null) return { error: known, status: framework.statusCode ?? known.status };
  const { url, id } = request;
  logger.error({ error: thrown, url, requestId: id }, 'A request failed.');
  const error = new AsofError('internal', `An unexpected error; the log names it by '${id}'.`);
  return { error, status: error.status };
}

/** A server that runs mends a damaged state by itself; only at a start somebody has to do it. */
function mending(damage: AsofError): AsofError {
  return new AsofError(
    'not_ready',
    `${damage.message} The state is being built anew from archive and log.`,
    { remedy: 'Retry shortly; `asof status` tells when it is whole again.' },
  );
}

export function errorHandler(logger: Logger) {
  return (thrown: unknown, request: FastifyRequest, reply: FastifyReply): void => {
    const { error, status } = errorAnswer(thrown, logger, request);
    sendError(reply, error, status);
  };
}

/** A refusal by the framework itself, in our words; null for anything else. */
function frameworkError(error: Partial<FastifyError>): AsofError | null {
  if (error.code === 'FST_ERR_CTP_BODY_TOO_LARGE') {
    return new AsofError('body_too_large', 'The request body is larger than the limit.');
  }
  if (error.code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE') {
    return new AsofError('bad_request', 'The content type is not one that this route reads.', {
      path: 'content-type',
      remedy: 'Send application/json, or application/x-ndjson for many events.',
    });
  }
  if (error.validation !== undefined) {
    const issues = error.validation.map((one) => {
      const path = `${error.validationContext ?? 'request'}${one.instancePath.replaceAll('/', '.')}`;
      return issue('bad_request', path, `${path} ${one.message ?? 'is not valid'}.`);
    });
    const first = issues[0];
    return new AsofError('bad_request', first?.message ?? 'The request is not valid.', {
      path: first?.path ?? 'request',
      issues,
    });
  }
  if (error.statusCode !== undefined && error.statusCode >= 400 && error.statusCode < 500) {
    return new AsofError('bad_request', error.message ?? 'The request is not valid.');
  }
  return null;
}

/** A defect, and nobody's access: every route says what it does. */
export function forbiddenRoute(): AsofError {
  return new AsofError('forbidden', 'This route does not say what it does, so nobody may use it.');
}

export function notFound(request: FastifyRequest, reply: FastifyReply): void {
  const text = `There is no route ${request.method} ${request.url.slice(0, 200)}.`;
  sendError(
    reply,
    new AsofError('unknown_name', text, { path: 'url', remedy: 'See GET /openapi.json.' }),
  );
}
