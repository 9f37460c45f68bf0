import { create } from '@bufbuild/protobuf';
import type { Deprecation } from '../../registry/serving-states.ts';
import type { FeatureStatus } from '../../schema/status.ts';
import type { ViewDegradation, ViewFreshness } from '../../serve/answer.ts';
import type { ColumnarAnswer } from '../../serve/columnar-answer.ts';
import { failedNote } from '../../serve/exceptional-text.ts';
import type { ContractNote } from '../../serve/model-contract.ts';
import { STATUS_BY_CODE } from '../../serve/status-codes.ts';
import { columnMessage } from './column-message.ts';
import {
  type GetFeaturesResponse,
  GetFeaturesResponseSchema,
  Status,
} from './generated/asof/v1/features_pb.ts';

/** What each status is on the wire. */
const STATUS_NUMBERS: Readonly<Record<FeatureStatus, number>> = {
  present: Status.PRESENT,
  default: Status.DEFAULT,
  error: Status.ERROR,
  missing: Status.MISSING,
  expired: Status.EXPIRED,
  stale: Status.STALE,
  timeout: Status.TIMEOUT,
  denied: Status.DENIED,
};

/** The platform's codes of statuses to those of the wire. */
const WIRE_CODES = Uint8Array.from(STATUS_BY_CODE, (status) => STATUS_NUMBERS[status]);

/** An answer as a message, with its whole envelope. */
export function featuresMessage(answer: ColumnarAnswer): GetFeaturesResponse {
  const { head, keys, features } = answer;
  const { service } = head.plan;
  return create(GetFeaturesResponseSchema, {
    service: service.name,
    version: service.version,
    asOfMs: BigInt(head.asOfMs),
    commit: BigInt(head.commit),
    rowCount: head.rowCount,
    keys: keys.map(({ name, type, values }) => columnMessage(name, type, values)),
    features: features.map(({ name, type, values, statuses }) =>
      columnMessage(name, type, values, wireStatuses(statuses)),
    ),
    ...besideColumns(answer),
  });
}

/** What an answer says beside its columns. */
export function besideColumns({ head, contract, failed }: ColumnarAnswer) {
  const { views } = head.plan;
  const freshness = head.freshness();
  return {
    views: views.map(({ label, version }, i) => ({
      ...{ name: label, version },
      ...viewState(freshness[i]),
      ...degraded(head.degradation?.views[label]),
    })),
    ...(head.deprecation === null ? {} : { deprecated: deprecationMessage(head.deprecation) }),
    ...(contract === null ? {} : { contract: contractMessage(contract) }),
    failed: failed.map(({ row, features }) => ({
      row,
      code: failedNote(features).code,
      features: [...features],
    })),
  };
}

export function wireStatuses(statuses: Uint8Array): Uint8Array {
  return statuses.map((code) => WIRE_CODES[code] as number);
}

function viewState(freshness: ViewFreshness | undefined) {
  if (freshness === undefined) return {};
  const { newestArrivalMs, stalenessMs, objectiveMs, stale } = freshness;
  return {
    stale,
    ...(newestArrivalMs === null ? {} : { newestArrivalMs: BigInt(newestArrivalMs) }),
    ...(stalenessMs === null ? {} : { stalenessMs: BigInt(stalenessMs) }),
    ...(objectiveMs === null ? {} : { objectiveMs: BigInt(objectiveMs) }),
  };
}

function degraded(view: ViewDegradation | undefined) {
  if (view === undefined) return {};
  const { reason, commit, ageMs } = view;
  return { degraded: { reason, commit: BigInt(commit), ageMs: BigInt(ageMs) } };
}

export function deprecationMessage({ what, sinceMs, untilMs, successor }: Deprecation) {
  return {
    what,
    sinceMs: BigInt(sinceMs),
    successor: successor ?? '',
    ...(untilMs === null ? {} : { untilMs: BigInt(untilMs) }),
  };
}

function contractMessage({ model, fits, violations }: ContractNote) {
  return {
    ...{ model, fits },
    violations: violations.map((one) => ({
      ...one,
      expected: String(one.expected),
      found: String(one.found),
    })),
  };
}
