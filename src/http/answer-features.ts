import { AsofError } from '../base/errors.ts';
import { didYouMean } from '../base/suggest.ts';
import type { Viewer } from '../registry/access/viewer.ts';
import type { FeatureRequest, OnDenied } from '../serve/answer-sink.ts';
import { jsonSink } from '../serve/json-sink.ts';
import type { StageClock } from '../serve/stage-clock.ts';
import { askedTimeoutMs } from './asked-time.ts';
import { parseText } from './body-parsers.ts';
import type { FeatureDoor } from './feature-door.ts';

const FIELDS = ['service', 'version', 'model', 'rows', 'timeoutMs', 'onDenied'];

/** What a request says beside its body. */
export interface RequestTimes {
  /** The header of that name. */
  readonly timeout: string | readonly string[] | undefined;
  /** When it came, by `stopwatchMs`. */
  readonly receivedMs: number;
  /** Of one request of many: where its time goes. */
  readonly stages?: StageClock | null;
}

/**
 * From the text of a request to the bytes of its answer.
 */
export function answerFeatures(
  door: FeatureDoor,
  text: string,
  viewer: Viewer,
  times: RequestTimes,
): Buffer | Promise<Buffer> {
  const asked = featuresAsked(text, times);
  times.stages?.mark('parse');
  return door.answer(asked, viewer, jsonSink);
}

/** @throws AsofError `malformed_json`, `bad_request` */
export function featuresAsked(
  text: string,
  { timeout, receivedMs, stages = null }: RequestTimes,
): FeatureRequest {
  return { ...readRequest(parseText(text), timeout), receivedMs, stages };
}

type FeaturesRequest = FeaturesFields &
  ({ readonly service: string; readonly model: undefined } | ModelFields);

/** A model says which service it is pinned to, so that it need not be named. */
interface ModelFields {
  readonly service: string | undefined;
  readonly model: string;
}

interface FeaturesFields {
  readonly version: number | undefined;
  readonly rows: readonly unknown[];
  readonly timeoutMs: number | undefined;
  readonly onDenied: OnDenied;
}

function readRequest(body: unknown, timeout: RequestTimes['timeout']): FeaturesRequest {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw refusal('body', 'The body is no object.');
  }
  const { service, version, model, rows, timeoutMs, onDenied } = body as Readonly<
    Record<string, unknown>
  >;
  const named = whoReads(service, model);
  if (!Array.isArray(rows))
    throw refusal('rows', "'rows' must be an array of objects: join keys, and request fields.");
  if (version !== undefined && !(typeof version === 'number' && Number.isSafeInteger(version))) {
    throw refusal('version', "'version' must be a whole number.");
  }
  for (const field in body) {
    if (FIELDS.includes(field)) continue;
    throw refusal(field, `'${field}' is no field of this request.${didYouMean(field, FIELDS)}`);
  }
  if (version !== undefined && named.service === undefined) {
    throw refusal('version', "'version' is of a service; a model is 'name@version'.");
  }
  if (onDenied !== undefined && onDenied !== 'refuse' && onDenied !== 'omit') {
    throw refusal('onDenied', "'onDenied' must be 'refuse' or 'omit'.");
  }
  const withinMs = askedTimeoutMs(timeoutMs, timeout);
  return { ...named, version, rows, timeoutMs: withinMs, onDenied: onDenied ?? 'refuse' };
}

function whoReads(
  service: unknown,
  model: unknown,
): { service: string; model: undefined } | ModelFields {
  const isService = typeof service === 'string';
  if (model !== undefined && typeof model !== 'string') {
    throw refusal('model', "'model' must be a model's name@version.");
  }
  if (model !== undefined && (isService || service === undefined)) return { service, model };
  if (isService && model === undefined) return { service, model };
  throw refusal('service', "'service' must be a service's name.");
}

function refusal(path: string, message: string): AsofError {
  return new AsofError('bad_request', message, {
    path,
    remedy:
      'Send { "service": "name", "rows": [{ "join_key": "value" }] }, or a "model" in its place.',
  });
}
