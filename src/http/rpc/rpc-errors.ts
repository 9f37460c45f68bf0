import { Code, ConnectError } from '@connectrpc/connect';
import { AsofError, type ErrorCode } from '../../base/errors.ts';
import type { Logger } from '../../base/logger.ts';
import { withoutSecrets } from '../../base/secrets.ts';
import { errorAnswer, retryAfterSeconds } from '../error-answers.ts';
import { ErrorDetailSchema } from './generated/asof/v1/features_pb.ts';

/** What each HTTP status of the table of errors is to gRPC and Connect. */
export const RPC_CODES: ReadonlyMap<number, Code> = new Map([
  [400, Code.InvalidArgument],
  [401, Code.Unauthenticated],
  [403, Code.PermissionDenied],
  [404, Code.NotFound],
  [409, Code.FailedPrecondition],
  [413, Code.ResourceExhausted],
  [422, Code.InvalidArgument],
  [429, Code.ResourceExhausted],
  [500, Code.Internal],
  [503, Code.Unavailable],
  [504, Code.DeadlineExceeded],
  [507, Code.ResourceExhausted],
]);

/** What the protocols themselves refuse, by the codes of the platform. */
const PROTOCOL_CODES: ReadonlyMap<Code, ErrorCode> = new Map([
  [Code.InvalidArgument, 'bad_request'],
  [Code.OutOfRange, 'bad_request'],
  [Code.Unimplemented, 'bad_request'],
  [Code.ResourceExhausted, 'body_too_large'],
  [Code.DeadlineExceeded, 'deadline_passed'],
  [Code.Canceled, 'deadline_passed'],
  [Code.Aborted, 'deadline_passed'],
]);

/** An error of the platform in the form that leaves by gRPC and Connect. */
export function rpcError(error: AsofError, code = RPC_CODES.get(error.status)): ConnectError {
  const wait = error.retryable ? retryAfterSeconds(error) : null;
  const rpc = new ConnectError(
    withoutSecrets(error.message).slice(0, MESSAGE_CHARS),
    code ?? Code.Internal,
    wait === null ? undefined : { 'retry-after': wait },
  );
  rpc.details.push({ desc: ErrorDetailSchema, value: detailOf(error, Number(wait) * 1000) });
  return rpc;
}

function detailOf(error: AsofError, retryAfterMs: number) {
  // Details are sent in a trailer, and clients bound those.
  return {
    code: error.code,
    path: (error.path ?? '').slice(0, PATH_CHARS),
    remedy: withoutSecrets(error.remedy).slice(0, MESSAGE_CHARS),
    retryable: error.retryable,
    retryAfterMs,
    issues: error.issues.slice(0, DETAIL_ISSUES).map((one) => ({
      code: one.code,
      path: one.path.slice(0, PATH_CHARS),
      message: withoutSecrets(one.message).slice(0, MESSAGE_CHARS),
      remedy: withoutSecrets(one.remedy).slice(0, MESSAGE_CHARS),
    })),
  };
}

/** gRPC clients take 8 KiB of trailers, with everything in base64. */
const DETAIL_ISSUES = 8;
const PATH_CHARS = 100;
const MESSAGE_CHARS = 240;

/** Whatever a handler threw; defects are logged and not shown. */
export function thrownError(
  thrown: unknown,
  logger: Logger,
  call: { readonly url: string; readonly id: string },
): ConnectError {
  if (thrown instanceof ConnectError && thrown.code !== Code.Internal) {
    return withDetail(thrown);
  }
  return rpcError(errorAnswer(thrown, logger, call).error);
}

/** A refusal by the protocol itself, with a detail as all errors have. */
export function withDetail(error: ConnectError): ConnectError {
  if (error.details.length > 0) return error;
  return rpcError(protocolRefusal(error.code, error.rawMessage), error.code);
}

/** What is said of a message that is none: the protocols call it an internal error. */
export function protocolRefusal(code: Code, text: string): AsofError {
  const own = PROTOCOL_CODES.get(code) ?? 'bad_request';
  const message = own === 'bad_request' ? `The call is not of the documented form: ${text}.` : text;
  return new AsofError(own, message.slice(0, MESSAGE_CHARS), {
    ...(own === 'bad_request' ? { remedy: 'Generate the client from features.proto.' } : {}),
  });
}
