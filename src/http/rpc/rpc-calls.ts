import type { IncomingMessage, ServerResponse } from 'node:http';
import { Code, ConnectError, createContextValues } from '@connectrpc/connect';
import type { UniversalHandler, UniversalServerResponse } from '@connectrpc/connect/protocol';
import { setTrailerStatus } from '@connectrpc/connect/protocol-grpc';
import {
  universalRequestFromNodeRequest,
  universalResponseToNodeResponse,
} from '@connectrpc/connect-node';
import { stopwatchMs } from '../../base/clock.ts';
import { AsofError } from '../../base/errors.ts';
import { LIMITS } from '../../base/limits.ts';
import { LOCAL_VIEWER } from '../../registry/access/viewer.ts';
import { type AnyRequest, type AnyResponse, isGrpc } from '../any-version.ts';
import { ByteBudget } from '../byte-budget.ts';
import type { HttpDependencies } from '../dependencies.ts';
import { errorText, JSON_TYPE } from '../error-answers.ts';
import { givenRequestId, REQUEST_ID } from '../request-id.ts';
import { noteOf } from '../request-log.ts';
import { CALL, type Call } from './call-context.ts';
import { dropFarDeadlines } from './far-deadlines.ts';
import { PlainCalls } from './plain-calls.ts';
import { correctBody } from './refused-messages.ts';
import { rpcError } from './rpc-errors.ts';
import { rpcHandlers } from './rpc-handlers.ts';

/** Answers calls of all protocols. */
export class RpcCalls {
  readonly #dependencies: HttpDependencies;
  /** Of messages that are being received or answered. */
  readonly #received: ByteBudget;
  readonly #handlers: ReadonlyMap<string, UniversalHandler>;
  readonly #plain: PlainCalls;
  #count = 0;

  constructor(dependencies: HttpDependencies, received = new ByteBudget(LIMITS.rpcReceivedBytes)) {
    this.#dependencies = dependencies;
    this.#received = received;
    this.#handlers = rpcHandlers(dependencies);
    this.#plain = new PlainCalls(dependencies, this.#received);
  }

  answer(path: string, request: AnyRequest, response: AnyResponse): void {
    if (this.#plain.answer(path, request, response)) return;
    const handler = this.#handlers.get(path);
    if (handler === undefined) refuseMethod(request, response, path);
    else this.#call(handler, request, response);
  }

  #call(handler: UniversalHandler, request: AnyRequest, response: AnyResponse): void {
    this.#count += 1;
    const id = givenRequestId(request.headers[REQUEST_ID]) ?? `rpc-${this.#count}`;
    const call: Call = {
      ...{ id, receivedMs: stopwatchMs(), viewer: LOCAL_VIEWER, status: 200, rows: 0 },
      ...{ bytes: 0, isOver: false },
    };
    response.setHeader(REQUEST_ID, id);
    const note = noteOf(response);
    if (note !== undefined) note.route = handler.requestPath;
    response.once('finish', () => {
      if (note !== undefined)
        Object.assign(note, { status: statusOf(call, response), rows: call.rows });
    });
    response.once('close', () => this.#end(handler, call, response));
    this.#run(handler, call, request, response).catch((thrown: unknown) => {
      this.#dependencies.logger.debug(
        { requestId: id, error: String(thrown) },
        'A call broke off.',
      );
      response.destroy();
    });
  }

  async #run(
    handler: UniversalHandler,
    call: Call,
    request: AnyRequest,
    response: AnyResponse,
  ): Promise<void> {
    const values = createContextValues().set(CALL, call);
    // The library makes an address of what the caller names as its host, which may be none.
    request.headers.host = HOST;
    dropFarDeadlines(request.headers);
    const made = universalRequestFromNodeRequest(
      request as IncomingMessage,
      response as ServerResponse,
      undefined,
      values,
    );
    const body = this.#counted(made.body as AsyncIterable<Uint8Array>, call);
    const answer = await correctBody(await handler({ ...made, body }));
    if (answer.body === undefined) refuseForm(response, answer);
    // Its promise is kept only where sending fails.
    else await universalResponseToNodeResponse(answer, response);
  }

  /** Chunks of a message as long as there is room for what is being received. */
  async *#counted(body: AsyncIterable<Uint8Array>, call: Call): AsyncIterable<Uint8Array> {
    for await (const chunk of body) {
      requireCaller(call);
      try {
        this.#received.require(chunk.length);
      } catch (error) {
        throw rpcError(error as AsofError);
      }
      this.#received.take(chunk.length);
      call.bytes += chunk.length;
      yield chunk;
    }
    requireCaller(call);
  }

  #end(handler: UniversalHandler, call: Call, response: AnyResponse): void {
    call.isOver = true;
    this.#received.give(call.bytes);
    const { metrics } = this.#dependencies;
    const status = statusOf(call, response);
    const seconds = (stopwatchMs() - call.receivedMs) / 1000;
    metrics.request(handler.requestPath, status).observe(seconds);
  }
}

/** What was received of a message whose caller left looks as if it were whole. */
function requireCaller({ isOver }: Call): void {
  if (isOver) throw new ConnectError('The caller has left.', Code.Canceled);
}

/** As HTTP says it: gRPC answers 200 whatever happened. */
function statusOf({ status }: Call, response: AnyResponse): number {
  return status === 200 ? response.statusCode : status;
}

const HOST = 'localhost';

/** gRPC wants to be told by a header alone, with the status in it. */
function refuseMethod(request: AnyRequest, response: AnyResponse, path: string): void {
  const error = new AsofError('unknown_name', `There is no method ${path.slice(0, 100)}.`, {
    path: 'url',
    remedy: 'Generate the client from features.proto.',
  });
  if (!isGrpc(request)) {
    answerText(response, error.status, errorText(error));
    return;
  }
  response.setHeader('content-type', 'application/grpc');
  setTrailerStatus(new Headers(), rpcError(error, Code.Unimplemented)).forEach((value, name) => {
    response.setHeader(name, value);
  });
  response.end();
}

/** What is no call at all: a content type or a verb that no protocol has. */
function refuseForm(response: AnyResponse, { status, header }: UniversalServerResponse): void {
  const error = new AsofError('bad_request', FORM_MESSAGES[status] ?? 'This is no call.', {
    path: status === 405 ? 'method' : 'content-type',
    remedy: 'POST application/json or application/proto, or use a gRPC client.',
  });
  header?.forEach((value, name) => {
    response.setHeader(name, value);
  });
  answerText(response, status, errorText(error));
}

function answerText(response: AnyResponse, status: number, text: string): void {
  response.statusCode = status;
  response.setHeader('content-type', JSON_TYPE);
  response.setHeader('content-length', Buffer.byteLength(text));
  response.end(text);
}

const FORM_MESSAGES: Readonly<Record<number, string>> = {
  405: 'The method of the request is not one that this call takes.',
  415: 'The content type is not one that this call reads.',
  505: 'This call takes HTTP/2.',
};
