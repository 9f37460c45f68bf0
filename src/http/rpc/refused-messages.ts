import { Code, ConnectError } from '@connectrpc/connect';
import type { UniversalServerResponse } from '@connectrpc/connect/protocol';
import {
  codeToHttpStatus,
  errorFromJsonBytes,
  errorToJsonBytes,
} from '@connectrpc/connect/protocol-connect';
import { setTrailerStatus } from '@connectrpc/connect/protocol-grpc';
import { withDetail } from './rpc-errors.ts';

/**
 * What the library itself refuses has no detail, and a message that cannot be read is an internal
 * error to it, where it is the caller's. These two put that right on the way out, each where a
 * protocol says how a call ended: in trailers, or in a JSON body.
 */
const READ_FAILURES = ['parse binary: ', 'received compressed envelope'];

function corrected(code: Code, message: string): ConnectError {
  const isReading = code === Code.Internal && READ_FAILURES.some((one) => message.startsWith(one));
  return withDetail(new ConnectError(message, isReading ? Code.InvalidArgument : code));
}

/**
 * Of gRPC and gRPC-Web: the trailers of a call, before anything is written into them.
 * @param ended told how the call ended, where it failed
 */
export function correctTrailers(trailers: Headers, ended: (code: Code) => void): void {
  const set = trailers.set.bind(trailers);
  let code = 0;
  let message = '';
  const write = (name: string, value: string): void => {
    const field = name.toLowerCase();
    if (field === 'grpc-status') code = Number(value);
    if (field === 'grpc-message' && code in Code) {
      message = value;
      const error = corrected(code, decodeURIComponent(value));
      ended(error.code);
      setTrailerStatus(new Headers(), error).forEach((text, key) => {
        set(key, text);
      });
      return;
    }
    // An error that has details is one of ours, and stays as it is.
    if (field === 'grpc-status-details-bin') set('grpc-message', message);
    set(name, value);
  };
  Object.defineProperty(trailers, 'set', { value: write });
}

/** Of Connect: the body of a unary call that failed. */
export async function correctBody(
  response: UniversalServerResponse,
): Promise<UniversalServerResponse> {
  const type = response.header?.get('content-type') ?? '';
  if (response.status < 400 || response.body === undefined || !type.startsWith(JSON_FORM)) {
    return response;
  }
  const bytes = await whole(response.body);
  const error = errorFromJsonBytes(bytes, undefined, new ConnectError('', Code.Internal));
  if (error.details.length > 0) return { ...response, body: once(bytes) };
  const better = corrected(error.code, error.rawMessage);
  const body = errorToJsonBytes(better, undefined);
  const header = new Headers(response.header);
  header.set('content-length', String(body.length));
  return { ...response, status: codeToHttpStatus(better.code), header, body: once(body) };
}

const JSON_FORM = 'application/json';

type Bytes = Uint8Array;

async function whole(chunks: AsyncIterable<Bytes>): Promise<Bytes> {
  const all: Bytes[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return Buffer.concat(all);
}

async function* once(bytes: Bytes): AsyncIterable<Bytes> {
  yield bytes;
}
