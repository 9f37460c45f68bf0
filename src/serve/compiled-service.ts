import type { Tokenizer } from '../base/tokenizer.ts';
import type { Faults } from '../expr/faults.ts';
import type { ProjectPlan, ServicePlan } from '../plan/plan.ts';
import type { Deprecation, ServingState } from '../registry/serving-states.ts';
import type { FeatureStatus } from '../schema/status.ts';
import type { FeatureValue, Scalar, Single } from '../schema/types.ts';
import type { OnlineStore } from '../store/online-store.ts';
import type { FeatureRow, ServeCounters, ServiceDescription } from './answer.ts';
import type { AnswerRow } from './answer-row.ts';
import { describeService } from './describe-service.ts';
import { compileReadPlan, type OutputRead, type ReadPlan } from './read-plan.ts';
import { ResponseWriter } from './response-writer.ts';
import { RowReader } from './row-reader.ts';
import { STATUS_BY_CODE } from './status-codes.ts';
import { noStatuses } from './status-counts.ts';

/** One version of a service, ready to answer: nothing of it depends on a request. */
export interface CompiledService {
  readonly plan: ReadPlan;
  readonly reader: RowReader;
  readonly writer: ResponseWriter;
  readonly counters: ServeCounters;
  readonly description: ServiceDescription;
  /** Said with every answer; null: there is nothing to say. */
  readonly deprecation: Deprecation | null;
}

/** What a service is compiled from. */
export interface ServiceParts {
  readonly plan: ProjectPlan;
  readonly service: ServicePlan;
  readonly store: OnlineStore;
  readonly faults: Faults;
  readonly tokenizer: Tokenizer | null;
  /** How many answers of each entity are kept. */
  readonly cachedAnswers?: number;
}

/** @throws AsofError `unknown_name` when the store holds no state for a needed group */
export function compileService(
  { plan, service, store, faults, tokenizer, cachedAnswers }: ServiceParts,
  counters: ServeCounters = newCounters(),
): CompiledService {
  const readPlan = compileReadPlan(plan, service, store, faults, tokenizer);
  return {
    plan: readPlan,
    reader: new RowReader(readPlan, faults, cachedAnswers),
    writer: new ResponseWriter(readPlan),
    counters,
    description: describeService(plan, service),
    deprecation: null,
  };
}

/** The same, with what the lifecycle says of it. */
export function withState(
  compiled: CompiledService,
  { state, deprecation }: Pick<ServingState, 'state' | 'deprecation'>,
): CompiledService {
  const description = { ...compiled.description, state, deprecation };
  if (deprecation === null && compiled.deprecation === null) return { ...compiled, description };
  const writer = new ResponseWriter(compiled.plan, deprecation);
  return { ...compiled, writer, description, deprecation };
}

/** These outputs of a row, by name, under a key that may be kept. */
export function rowObject(
  plan: ReadPlan,
  outputs: readonly OutputRead[],
  row: Pick<AnswerRow, 'given' | 'values' | 'statuses' | 'exception'>,
): FeatureRow {
  const values: Record<string, FeatureValue> = {};
  const statuses: Record<string, FeatureStatus> = {};
  const leftOut = row.exception?.leftOut;
  for (const [at, { name, slot }] of outputs.entries()) {
    if (leftOut?.[at] !== 1) values[name] = row.values[slot] as FeatureValue;
    statuses[name] = STATUS_BY_CODE[row.statuses[slot] as number] as FeatureStatus;
  }
  return { key: keptKey(plan, row.given), values, statuses };
}

/** Join keys by name as logs and reports hold them: tokens for ids. */
function keptKey({ service, tokenizer }: ReadPlan, given: readonly Single[]) {
  const { joinKeys } = service;
  if (tokenizer === null) return keyValues(joinKeys, given);
  const kept = joinKeys.map(({ tokens }, i) => {
    const id = given[i] as Scalar;
    return tokens === undefined ? id : tokenizer.tokenOf(tokens, String(id));
  });
  return namedValues(joinKeys, kept, 0);
}

/** The values that stand from `first` on, by name. */
export function namedValues<T extends Single>(
  fields: readonly { readonly name: string }[],
  given: readonly T[],
  first: number,
): Record<string, T> {
  return Object.fromEntries(fields.map(({ name }, i) => [name, given[first + i] as T]));
}

/** Of a row, whatever its request fields are: join keys are scalars. */
export function keyValues(
  joinKeys: readonly { readonly name: string }[],
  given: readonly Single[],
): Record<string, Scalar> {
  return namedValues(joinKeys, given.slice(0, joinKeys.length) as Scalar[], 0);
}

function newCounters(): ServeCounters {
  return { requests: 0, rows: 0, ...noStatuses() };
}
