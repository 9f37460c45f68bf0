import { AsofError } from '../../base/errors.ts';
import { LIMITS } from '../../base/limits.ts';
import type { FeatureRequest } from '../../serve/answer-sink.ts';
import type { GetFeaturesRequest } from './generated/asof/v1/features_pb.ts';
import { rowsOf, sentColumns } from './request-columns.ts';

/**
 * A request as the read path takes it.
 * @param leftMs until the deadline of the call; undefined where it has none
 * @throws AsofError `bad_request`, `too_many_rows`, `deadline_passed`
 */
export function askedFeatures(
  { service, version, model, columns, timeoutMs, omitDenied }: GetFeaturesRequest,
  leftMs: number | undefined,
  receivedMs: number,
): FeatureRequest {
  if (leftMs !== undefined && leftMs <= 0) {
    throw new AsofError('deadline_passed', 'The deadline of the call has passed.');
  }
  if (service === '' && model === '') {
    throw new AsofError('bad_request', 'The request names no service and no model.', {
      path: 'service',
      remedy: 'Name one, and give its rows as columns.',
    });
  }
  if (service === '' && version !== undefined) {
    const text = "'version' is of a service; a model is 'name@version'.";
    throw new AsofError('bad_request', text, { path: 'version' });
  }
  return {
    service: service === '' ? undefined : service,
    version,
    model: model === '' ? undefined : model,
    rows: rowsOf(sentColumns(columns, LIMITS.rowsPerRequest)),
    timeoutMs: withinMs(timeoutMs, leftMs),
    onDenied: omitDenied ? 'omit' : 'refuse',
    receivedMs,
  };
}

/**
 * How long the answer may take. One that arrives with the deadline of its call has nobody who
 * takes it, so it leaves a little earlier.
 */
function withinMs(askedMs: number | undefined, deadlineMs: number | undefined): number | undefined {
  const most = LIMITS.requestTimeoutMaxMs;
  const asked = askedMs === undefined ? undefined : Math.min(askedMs, most);
  if (deadlineMs === undefined) return asked;
  const usable = Math.max(0, deadlineMs - Math.min(deadlineMs / 10, ON_THE_WAY_MS));
  return Math.min(asked ?? most, usable);
}

const ON_THE_WAY_MS = 20;
