import { fromBinary } from '@bufbuild/protobuf';
import { Code, type ConnectError } from '@connectrpc/connect';
import { codeToHttpStatus } from '@connectrpc/connect/protocol-connect';
import { parseTimeout, setTrailerStatus } from '@connectrpc/connect/protocol-grpc';
import { stopwatchMs } from '../../base/clock.ts';
import { AsofError } from '../../base/errors.ts';
import { LIMITS } from '../../base/limits.ts';
import { LOCAL_VIEWER, type Viewer } from '../../registry/access/viewer.ts';
import { columnarSink } from '../../serve/columnar-answer.ts';
import type { AnyRequest, AnyResponse } from '../any-version.ts';
import type { ByteBudget } from '../byte-budget.ts';
import type { HttpDependencies } from '../dependencies.ts';
import { FeatureDoor } from '../feature-door.ts';
import { givenRequestId, REQUEST_ID } from '../request-id.ts';
import { noteOf } from '../request-log.ts';
import { askedFeatures } from './asked-features.ts';
import { featuresBytes } from './features-bytes.ts';
import { GetFeaturesRequestSchema } from './generated/asof/v1/features_pb.ts';
import { protocolRefusal, thrownError } from './rpc-errors.ts';

export const GET_FEATURES_PATH = '/asof.v1.FeatureService/GetFeatures';

const TYPE = 'application/grpc';
const TYPES: readonly (string | undefined)[] = [TYPE, 'application/grpc+proto'];
const PREFIX_BYTES = 5;
/** Of hours, at most so many digits: others are looked at by the library. */
const TIMEOUT = /^\d{1,5}[HMSmun]$/;

/** One call that is being received or answered. */
interface PlainCall {
  readonly request: AnyRequest;
  readonly response: AnyResponse;
  readonly viewer: Viewer;
  readonly id: string;
  readonly receivedMs: number;
  bytes: number;
  rows: number;
  /** Its caller has left, or was told: what still comes of it is nobody's. */
  isOver: boolean;
}

/**
 * Answers the one hot call, features by plain gRPC, without the library, whose streams, signals and
 * messages as objects cost many times what the answer does. All else goes to the library, which
 * gives the same answers.
 */
export class PlainCalls {
  readonly #dependencies: HttpDependencies;
  readonly #door: FeatureDoor;
  /** Of all calls that are being received. */
  readonly #received: ByteBudget;
  readonly #mostBytes: number;
  readonly #open = columnarSink(framedAnswer);
  #count = 0;

  constructor(dependencies: HttpDependencies, received: ByteBudget) {
    this.#dependencies = dependencies;
    this.#door = new FeatureDoor(dependencies);
    this.#received = received;
    const { bodyBytes } = dependencies;
    this.#mostBytes = Math.min(LIMITS.rpcMessageBytes, bodyBytes ?? LIMITS.bodyBytes);
  }

  /** Whether it answers the call; false, and nothing has happened, for any that is unusual. */
  answer(path: string, request: AnyRequest, response: AnyResponse): boolean {
    if (path !== GET_FEATURES_PATH || !isPlain(request)) return false;
    const { access, isOpen, state } = this.#dependencies;
    const { authorization } = request.headers;
    const viewer = access === undefined ? LOCAL_VIEWER : access.known(authorization);
    if (viewer === undefined || !(isOpen?.() ?? state() === 'ready')) return false;
    this.#count += 1;
    const id = givenRequestId(request.headers[REQUEST_ID]) ?? `plain-rpc-${this.#count}`;
    this.#receive({
      ...{ request, response, viewer, id, receivedMs: stopwatchMs() },
      ...{ bytes: 0, rows: 0, isOver: false },
    });
    return true;
  }

  #receive(call: PlainCall): void {
    const { request, response } = call;
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => {
      if (call.isOver) return;
      try {
        this.#take(call, chunk.length);
        chunks.push(chunk);
      } catch (thrown) {
        this.#refuse(call, thrown);
      }
    });
    // It comes behind `close` where the caller left: then the message is no whole one.
    request.once('end', () => {
      if (!call.isOver) this.#answer(call, Buffer.concat(chunks));
    });
    response.once('close', () => {
      call.isOver = true;
      this.#received.give(call.bytes);
    });
  }

  #take(call: PlainCall, bytes: number): void {
    if (call.bytes + bytes > this.#mostBytes + PREFIX_BYTES) {
      const text = `The message has more than ${this.#mostBytes} bytes.`;
      throw new AsofError('body_too_large', text, { path: 'body' });
    }
    this.#received.require(bytes);
    this.#received.take(bytes);
    call.bytes += bytes;
  }

  #answer(call: PlainCall, body: Buffer): void {
    try {
      const asked = askedFeatures(messageOf(body), leftMs(call), call.receivedMs);
      call.rows = asked.rows.length;
      const answer = this.#door.answer(asked, call.viewer, this.#open);
      if (!(answer instanceof Promise)) this.#send(call, answer);
      else {
        answer
          .then((late) => this.#send(call, late))
          .catch((thrown: unknown) => this.#refuse(call, thrown));
      }
    } catch (thrown) {
      this.#refuse(call, thrown);
    }
  }

  #send(call: PlainCall, frame: Buffer): void {
    if (call.isOver) return;
    call.isOver = true;
    const { response, id } = call;
    response.setHeader('content-type', TYPE);
    response.setHeader(REQUEST_ID, id);
    response.addTrailers({ 'grpc-status': '0' });
    response.end(frame);
    this.#told(call, 200);
  }

  #refuse(call: PlainCall, thrown: unknown): void {
    if (call.isOver) return;
    call.isOver = true;
    const { response, id } = call;
    const url = GET_FEATURES_PATH;
    const error: ConnectError = thrownError(thrown, this.#dependencies.logger, { url, id });
    response.setHeader('content-type', TYPE);
    response.setHeader(REQUEST_ID, id);
    error.metadata.forEach((value, name) => {
      response.setHeader(name, value);
    });
    // What has no message is told by a header alone, with the status in it.
    setTrailerStatus(new Headers(), error).forEach((value, name) => {
      response.setHeader(name, value);
    });
    response.end();
    this.#told(call, codeToHttpStatus(error.code));
  }

  #told({ response, receivedMs, rows }: PlainCall, status: number): void {
    const note = noteOf(response);
    if (note !== undefined) Object.assign(note, { route: GET_FEATURES_PATH, status, rows });
    const seconds = (stopwatchMs() - receivedMs) / 1000;
    this.#dependencies.metrics.request(GET_FEATURES_PATH, status).observe(seconds);
  }
}

function isPlain({ method, headers, httpVersionMajor }: AnyRequest): boolean {
  const encoding = headers['grpc-encoding'];
  const timeout = headers['grpc-timeout'];
  return (
    httpVersionMajor === 2 &&
    method === 'POST' &&
    TYPES.includes(headers['content-type']) &&
    (encoding === undefined || encoding === 'identity') &&
    (timeout === undefined || (typeof timeout === 'string' && TIMEOUT.test(timeout)))
  );
}

/** The message of a call that has just one. @throws AsofError `bad_request` */
function messageOf(body: Buffer) {
  const isWhole =
    body.length >= PREFIX_BYTES && body.readUInt32BE(1) === body.length - PREFIX_BYTES;
  if (!isWhole || body[0] !== 0) {
    throw protocolRefusal(Code.InvalidArgument, 'it is not one message that is not packed');
  }
  try {
    return fromBinary(GetFeaturesRequestSchema, body.subarray(PREFIX_BYTES));
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw protocolRefusal(Code.InvalidArgument, why);
  }
}

function leftMs({ request, receivedMs }: PlainCall): number | undefined {
  const given = request.headers['grpc-timeout'];
  if (typeof given !== 'string') return undefined;
  const { timeoutMs } = parseTimeout(given, Number.MAX_SAFE_INTEGER);
  return timeoutMs === undefined ? undefined : timeoutMs - (stopwatchMs() - receivedMs);
}

function framedAnswer(answer: Parameters<typeof featuresBytes>[0]): Buffer {
  const message = featuresBytes(answer);
  const frame = Buffer.allocUnsafe(PREFIX_BYTES + message.length);
  frame[0] = 0;
  frame.writeUInt32BE(message.length, 1);
  frame.set(message, PREFIX_BYTES);
  return frame;
}
