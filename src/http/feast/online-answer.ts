import type { FeatureValue } from '../../schema/types.ts';
import type { OpenSink } from '../../serve/answer-sink.ts';
import {
  type ColumnarAnswer,
  columnarSink,
  type FeatureColumn,
} from '../../serve/columnar-answer.ts';
import { type ServedStatus, STATUS_BY_CODE } from '../../serve/status-codes.ts';
import {
  type FeastStatus,
  feastScalar,
  feastStatus,
  feastTime,
  feastValue,
  NO_TIME,
} from './feast-values.ts';
import { fullName } from './feature-refs.ts';
import type { OnlineRequest } from './online-request.ts';

/** The JSON text of Feast's `OnlineFeaturesResponse`: join keys first, then features as asked. */
export function onlineSink(request: OnlineRequest): OpenSink<string> {
  return columnarSink((answer) => {
    const names = [...answer.keys.map(({ name }) => name), ...featureNames(request, answer)];
    const results = [
      ...answer.keys.map(({ values, type }) =>
        resultText(
          values.map((value) => feastScalar(value, type)),
          values.map(() => 'PRESENT'),
          values.map(() => NO_TIME),
        ),
      ),
      ...answer.features.map((feature) => featureText(feature, feastTime(answer.head.asOfMs))),
    ];
    return `{"metadata":{"feature_names":${JSON.stringify(names)}},"results":[${results.join(',')}]}`;
  });
}

/**
 * In the order of the outputs. With full names a feature of a service is `view__output`, and an
 * on-demand one, which belongs to no view, `service__output`.
 */
function featureNames({ refs, isFull }: OnlineRequest, { head, features }: ColumnarAnswer) {
  if (refs.length > 0) return refs.map((ref) => (isFull ? fullName(ref) : ref.feature));
  if (!isFull) return features.map(({ name }) => name);
  const { service } = head.plan;
  const views = new Map(service.features.map(({ name, view }) => [name, view]));
  return features.map(({ name }) => `${views.get(name) ?? service.name}__${name}`);
}

/** A value speaks of the answer's time, where there is one. */
function featureText({ values, statuses, type }: FeatureColumn, asOf: string): string {
  const known = values.map((value: FeatureValue, i): FeastStatus => {
    const status = STATUS_BY_CODE[statuses[i] as number] as ServedStatus;
    return feastStatus(status, value === null);
  });
  return resultText(
    values.map((value) => feastValue(value, type)),
    known,
    known.map((status) => (status === 'PRESENT' || status === 'NULL_VALUE' ? asOf : NO_TIME)),
  );
}

function resultText(
  values: readonly string[],
  statuses: readonly FeastStatus[],
  times: readonly string[],
): string {
  const quoted = (texts: readonly string[]): string =>
    texts.length === 0 ? '' : `"${texts.join('","')}"`;
  return `{"values":[${values.join(',')}],"statuses":[${quoted(statuses)}],"event_timestamps":[${quoted(times)}]}`;
}
