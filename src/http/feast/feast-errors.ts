import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import type { AsofError, ErrorCode } from '../../base/errors.ts';
import type { Logger } from '../../base/logger.ts';
import { withoutSecrets } from '../../base/secrets.ts';
import { CHALLENGE, errorAnswer, JSON_TYPE, retryAfterSeconds } from '../error-answers.ts';

/** Names of classes in Feast's module of errors, which its clients raise; others are `FeastError`. */
const CLASSES: Readonly<Partial<Record<ErrorCode, string>>> = {
  unknown_view: 'FeatureViewNotFoundException',
  unknown_service: 'FeatureServiceNotFoundException',
  not_active: 'FeatureServiceNotFoundException',
  unknown_feature: 'SpecifiedFeaturesNotPresentError',
  name_collision: 'FeatureNameCollisionError',
  invalid_field: 'RequestDataNotFoundInEntityRowsException',
  unknown_source: 'PushSourceNotFoundException',
  forbidden: 'FeastPermissionError',
};

/** Feast's own statuses, where they are others than asof's and a client may look at them. */
const STATUSES: Readonly<Partial<Record<ErrorCode, number>>> = {
  bad_request: 422,
  malformed_json: 422,
  unknown_source: 422,
};

/**
 * An error as Feast's clients read it: JSON text within a JSON text, of which they raise the class.
 * Beside what they look for it holds our own form of it. Bodies that are not of the documented form
 * get the list that Feast's framework answers, with our form beside it.
 */
export function feastErrorText(error: AsofError): string {
  if (error.code === 'bad_request' || error.code === 'malformed_json') {
    const { code, path, message, issues } = error;
    const found = issues.length > 0 ? issues : [{ code, path: path ?? 'body', message }];
    const detail = found.map((one) => ({
      type: one.code,
      loc: ['body', ...one.path.split('.')],
      msg: one.message,
    }));
    return withoutSecrets(JSON.stringify({ detail, error }));
  }
  if (error.code === 'unauthenticated') {
    return withoutSecrets(JSON.stringify({ detail: error.message, error }));
  }
  const message = `${error.message} ${error.remedy} (${error.code})`;
  const inner = { module: 'feast.errors', class: classOf(error), message, error };
  return withoutSecrets(JSON.stringify(JSON.stringify(inner)));
}

function classOf({ code, path }: AsofError): string {
  if (code === 'unknown_view' && path === 'version') return 'FeatureViewVersionNotFound';
  return CLASSES[code] ?? 'FeastError';
}

export function feastErrorStatus({ code }: AsofError, status: number): number {
  return STATUSES[code] ?? status;
}

/** For the routes of Feast's protocol: whatever is thrown, in the form of its clients. */
export function feastErrorHandler(logger: Logger) {
  return (thrown: FastifyError, request: FastifyRequest, reply: FastifyReply): void => {
    const { error, status } = errorAnswer(thrown, logger, request);
    sendFeastError(reply, error, status);
  };
}

export function sendFeastError(reply: FastifyReply, error: AsofError, status = error.status): void {
  if (error.code === 'unauthenticated') reply.headers(CHALLENGE);
  if (error.retryable) reply.header('retry-after', retryAfterSeconds(error));
  reply
    .code(feastErrorStatus(error, status))
    .header('content-type', JSON_TYPE)
    .send(feastErrorText(error));
}
