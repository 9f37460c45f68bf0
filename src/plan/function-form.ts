import type { LiteralValue } from '../expr/node.ts';
import type { ValueType } from '../schema/types.ts';
import type { Meta } from './meta.ts';

/** The input that is no name of the service: the time t of the answer, in epoch milliseconds. */
export const AS_OF_INPUT = 'asOfMs';

/** A TypeScript function of a service, with all that is needed to run it anywhere. */
export interface FunctionPlan {
  readonly name: string;
  readonly version: number;
  readonly inputs: readonly FunctionInputPlan[];
  readonly outputs: readonly FunctionOutputPlan[];
  /** An expression of JavaScript whose value is the function. */
  readonly source: string;
  /** What it refers to by name, in the order written: functions as expressions, data as JSON. */
  readonly uses: readonly FunctionUsePlan[];
  readonly network: FunctionNetworkPlan | null;
  /** CPU time of one call, in milliseconds. Not part of the hash. */
  readonly timeoutMs: number;
  /** Of the process that runs it. Not part of the hash. */
  readonly memoryMiB: number;
  /** How long answers of equal inputs are kept; null: not at all. In the hash with a network alone. */
  readonly cacheTtlMs: number | null;
  /** Of all that decides what it gives; the same function of two services has one. */
  readonly digest: string;
  readonly meta: Meta;
}

export interface FunctionInputPlan {
  /** A request field, an output of the service before this function, or `asOfMs`. */
  readonly name: string;
  readonly type: ValueType;
  /** Whether null is a value of it; where not, an input that failed fails the call. */
  readonly nullable: boolean;
}

export interface FunctionOutputPlan {
  readonly name: string;
  readonly type: ValueType;
  /** Whether it may give null, which is then served as the default. */
  readonly nullable: boolean;
  readonly default: LiteralValue;
}

export interface FunctionUsePlan {
  readonly name: string;
  readonly kind: 'code' | 'data';
  readonly text: string;
}

export interface FunctionNetworkPlan {
  /** Host names, with a port where it is not that of https; sorted. */
  readonly hosts: readonly string[];
  /** Of one request, in milliseconds. Not part of the hash. */
  readonly timeoutMs: number;
}
