export { AsofError, type ErrorCode, type Issue } from '../base/errors.ts';
export type {
  FeatureAnswer,
  FeatureRowAnswer,
  PushAnswer,
  ViewFreshnessAnswer,
} from './answer.ts';
export { type Client, type ClientOptions, createClient, type RequestRow } from './client.ts';
export type { PushedRow, StreamRow } from './stream-row.ts';
export type { CallOptions, Token } from './transport.ts';
