export type { ByteSize } from './base/byte-size.ts';
export type { Duration } from './base/duration.ts';
export { AsofError, type ErrorCode, type Issue } from './base/errors.ts';
export { avg, count, first, last, max, min, stddev, sum, variance } from './define/aggregate.ts';
export type { ChangeOptions } from './define/changes.ts';
export {
  bool,
  type ColumnDefinition,
  type ColumnMap,
  decimal,
  type EventOf,
  float64,
  int64,
  string,
  timestamp,
  vector,
} from './define/column.ts';
export { type Dashboard, dashboard } from './define/dashboard.ts';
export { type Dataset, dataset } from './define/dataset.ts';
export type { Derived } from './define/derived.ts';
export {
  countDistinct,
  firstN,
  histogram,
  lastN,
  median,
  quantile,
  topK,
} from './define/distribution.ts';
export { type Entity, entity, type KeyValues } from './define/entity.ts';
export type { ExpectOptions } from './define/expectation.ts';
export type { AnyExpression, Expression } from './define/expression-type.ts';
export type { Aggregate, Feature } from './define/feature.ts';
export { type Label, label } from './define/label.ts';
export { type Attribute, latest } from './define/latest.ts';
export { type Model, type ModelExpectOptions, model } from './define/model.ts';
export type { Pick } from './define/pick.ts';
export {
  type Service,
  type ServiceKeys,
  type ServiceRequest,
  type ServiceValues,
  service,
} from './define/service.ts';
export type { Source } from './define/source.ts';
export { type Spine, spineEvents, spineFile, spineQuery } from './define/spine.ts';
export { type Stream, stream } from './define/stream.ts';
export { type Table, table } from './define/table.ts';
export { csv, ndjson, parquet, postgres, query, type TableFrom } from './define/table-from.ts';
export type { TypeProblem } from './define/type-problem.ts';
export { type View, view } from './define/view.ts';
export { when } from './define/when.ts';
export { lifetime, session, sliding, tumbling, type Window } from './define/window.ts';
