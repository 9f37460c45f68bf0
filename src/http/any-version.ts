import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';

/** Requests and answers of HTTP/1.1 and of HTTP/2, which have one face. */
export type AnyRequest = IncomingMessage | Http2ServerRequest;
export type AnyResponse = ServerResponse | Http2ServerResponse;
export type AnyListener = (request: AnyRequest, response: AnyResponse) => void;

export function isGrpc({ headers }: AnyRequest): boolean {
  return headers['content-type']?.startsWith('application/grpc') === true;
}
