import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { stopwatchMs } from '../base/clock.ts';
import { LIMITS } from '../base/limits.ts';
import { LOCAL_VIEWER, type Viewer } from '../registry/access/viewer.ts';
import type { StageClock } from '../serve/stage-clock.ts';
import { answerFeatures, type RequestTimes } from './answer-features.ts';
import { wantsArrow } from './arrow/arrow-accept.ts';
import { TIMEOUT_HEADER } from './asked-time.ts';
import type { HttpDependencies } from './dependencies.ts';
import { errorAnswer, errorText, JSON_TYPE, retryAfterSeconds } from './error-answers.ts';
import { FeatureDoor } from './feature-door.ts';
import { FEATURES_PATH } from './feature-path.ts';
import { endWithAnswer } from './send-answer.ts';
import { StageSamples } from './stage-samples.ts';

/**
 * Answers the one hot request, a plain POST of feature rows, without the framework, whose routing,
 * hooks and reply cost as much as reading the features. All else, and any such request that is in
 * the least unusual, goes to the framework, whose route gives the same answers.
 */
export function fastFeatures(
  dependencies: HttpDependencies,
  framework: RequestListener,
): RequestListener {
  const { access, logger, metrics } = dependencies;
  const door = new FeatureDoor(dependencies);
  const limit = Math.min(LIMITS.fastBodyBytes, dependencies.bodyBytes ?? LIMITS.bodyBytes);
  const answered = metrics.request(FEATURES_PATH, 200);
  const isOpen = dependencies.isOpen ?? ((): boolean => dependencies.state() === 'ready');
  const samples = new StageSamples(metrics);
  let failures = 0;

  const observe = (response: ServerResponse, startMs: number): void => {
    const { statusCode } = response;
    const series = statusCode === 200 ? answered : metrics.request(FEATURES_PATH, statusCode);
    series.observe((stopwatchMs() - startMs) / 1000);
  };

  const write = (
    response: ServerResponse,
    bytes: Buffer,
    startMs: number,
    stages: StageClock | null,
  ): void => {
    response.writeHead(200, { 'content-type': JSON_TYPE, 'content-length': bytes.length });
    endWithAnswer(response, bytes);
    observe(response, startMs);
    if (stages === null) return;
    stages.mark('write');
    samples.told(stages);
  };

  const refuse = (response: ServerResponse, thrown: unknown, startMs: number): void => {
    failures += 1;
    const request = { url: FEATURES_PATH, id: `features-${failures}` };
    const { error, status } = errorAnswer(thrown, logger, request);
    const text = errorText(error);
    if (error.retryable) response.setHeader('retry-after', retryAfterSeconds(error));
    response.writeHead(status, {
      'content-type': JSON_TYPE,
      'content-length': Buffer.byteLength(text),
    });
    response.end(text);
    observe(response, startMs);
  };

  const answer = (
    response: ServerResponse,
    body: string,
    viewer: Viewer,
    timeout: RequestTimes['timeout'],
    startMs: number,
  ): void => {
    const stages = samples.next(startMs);
    stages?.mark('receive');
    try {
      const bytes = answerFeatures(door, body, viewer, { timeout, receivedMs: startMs, stages });
      if (!(bytes instanceof Promise)) write(response, bytes, startMs, stages);
      else
        bytes
          .then((late) => write(response, late, startMs, stages))
          .catch((thrown: unknown) => refuse(response, thrown, startMs));
    } catch (thrown) {
      refuse(response, thrown, startMs);
    }
  };

  return (request, response) => {
    // Whoever is not known yet is verified by the framework's way, and known to the next request.
    const viewer =
      access === undefined ? LOCAL_VIEWER : access.known(request.headers.authorization);
    if (viewer === undefined || !isPlain(request, limit) || !isOpen()) {
      framework(request, response);
      return;
    }
    const startMs = stopwatchMs();
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    // A connection that breaks before its end has nobody left to answer.
    request.on('end', () => {
      const [only] = chunks;
      const bytes = chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks);
      const timeout = request.headers[TIMEOUT_HEADER];
      answer(response, bytes.toString('utf8'), viewer, timeout, startMs);
    });
  };
}

/** A JSON body of a known, small size; Node refuses one that is longer than it said. */
function isPlain(request: IncomingMessage, limit: number): boolean {
  if (request.method !== 'POST' || request.url !== FEATURES_PATH) return false;
  const { headers } = request;
  const bytes = Number(headers['content-length'] ?? Number.NaN);
  return (
    bytes > 0 &&
    bytes <= limit &&
    headers['content-encoding'] === undefined &&
    !wantsArrow(headers.accept) &&
    (headers['content-type'] === 'application/json' ||
      headers['content-type'] === 'application/json; charset=utf-8')
  );
}
