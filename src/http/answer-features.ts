import { AsofError } from '../base/errors.ts';
import { didYouMean } from '../base/suggest.ts';
import type { FeatureServer } from '../serve/feature-server.ts';
import { parseText } from './body-parsers.ts';

const FIELDS = ['service', 'version', 'rows'];

/**
 * From the text of a request to the text of its answer. The answer is ASCII: sent as 'latin1' it
 * is copied as it is, where other text would be measured and encoded first.
 */
export function answerFeatures(features: FeatureServer, text: string): string {
  const { service, version, rows } = readRequest(parseText(text));
  return features.getJson(service, rows, version);
}

interface FeaturesRequest {
  readonly service: string;
  readonly version: number | undefined;
  readonly rows: readonly unknown[];
}

function readRequest(body: unknown): FeaturesRequest {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw refusal('body', 'The body is no object.');
  }
  const { service, version, rows } = body as Readonly<Record<string, unknown>>;
  if (typeof service !== 'string') throw refusal('service', "'service' must be a service's name.");
  if (!Array.isArray(rows))
    throw refusal('rows', "'rows' must be an array of objects: join keys, and request fields.");
  if (version !== undefined && !(typeof version === 'number' && Number.isSafeInteger(version))) {
    throw refusal('version', "'version' must be a whole number.");
  }
  for (const field in body) {
    if (FIELDS.includes(field)) continue;
    throw refusal(field, `'${field}' is no field of this request.${didYouMean(field, FIELDS)}`);
  }
  return { service, version, rows };
}

function refusal(path: string, message: string): AsofError {
  return new AsofError('bad_request', message, {
    path,
    remedy: 'Send { "service": "name", "rows": [{ "join_key": "value" }] }.',
  });
}
