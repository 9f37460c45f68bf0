import type { ByteSize } from '../base/byte-size.ts';
import type { Duration } from '../base/duration.ts';
import type { ColumnDefinition } from './column.ts';
import type { FunctionNode } from './function-node.ts';
import type { MetaOptions } from './node.ts';
import type { TypeProblem } from './type-problem.ts';
import type { Flatten, JsValue, ScalarTag, TagOf } from './type-tag.ts';

/** Outputs of a function by name: single values. */
export type OutputMap = Readonly<
  Record<string, ColumnDefinition<ScalarTag> | ColumnDefinition<ScalarTag, true | 'defaulted'>>
>;

/** What `run` returns: null only where the output may be, or has a default for it. */
export type FunctionResult<O extends OutputMap> = {
  readonly [Name in keyof O]:
    | JsValue<TagOf<O[Name]>>
    | (O[Name] extends ColumnDefinition<ScalarTag, false> ? never : null);
};

/** What is served: null where a call fails and no default is declared. */
export type FunctionValues<O extends OutputMap> = {
  [Name in keyof O]: O[Name] extends ColumnDefinition<ScalarTag, 'defaulted'>
    ? JsValue<TagOf<O[Name]>>
    : JsValue<TagOf<O[Name]>> | null;
};

/** Beside names of the service: the time t of the answer, in epoch milliseconds. */
export interface TimeInput {
  readonly asOfMs: number;
}

/** Each input as it is where the service has it; else a sentence. */
type KnownInputs<I extends readonly string[], Known> = {
  readonly [K in keyof I]: I[K] extends keyof (Known & TimeInput)
    ? I[K]
    : TypeProblem<`the service has no ${I[K]} before this function: no request field, no feature, no output of an earlier function`>;
};

type NewOutputs<O, Known> = {
  readonly [Name in keyof O &
    keyof Known]: TypeProblem<`the output ${Name & string} has the name of something else in the service`>;
};

/** Other machines that a function may ask, and how long one request may take. */
export interface NetworkOptions {
  /** Exact host names, with a port where it is not the scheme's own: `rates.example.com`. */
  readonly hosts: readonly string[];
  /** Of one request; `'500ms'` by default. */
  readonly timeout?: Duration;
}

/** What comes back of one request; the body is text. */
export interface NetworkResponse {
  readonly status: number;
  readonly body: string;
}

/** Given to functions that declare a network: it waits, and needs no await. */
export interface FunctionNetwork {
  readonly network: {
    /** @throws Error where the host is not declared, or the answer is late or too long */
    request(
      url: string,
      options?: {
        readonly method?: 'GET' | 'POST';
        readonly headers?: Readonly<Record<string, string>>;
        readonly body?: string;
      },
    ): NetworkResponse;
  };
}

/** What is said where a function that declares none uses a network. */
interface NoNetwork {
  readonly network: TypeProblem<'the function declares no network; add network: { hosts: […] }'>;
}

/** What a function may use by name: functions that use nothing else, and plain data. */
type Used = Readonly<Record<string, unknown>>;

export interface FunctionOptions<
  Known,
  I extends readonly string[],
  O extends OutputMap,
  W extends NetworkOptions | undefined,
> extends Omit<MetaOptions, 'owner'> {
  /** Raise it whenever the function changes: with its text it is part of what the service means. */
  readonly version: number;
  /** Request fields, features, on-demand features, outputs of earlier functions, and `asOfMs`. */
  readonly inputs: I & KnownInputs<I, Known>;
  /** Columns of what it returns, each with its default: what stands where a call fails. */
  readonly outputs: O & NewOutputs<O, Known>;
  /** A pure function of its inputs; of all else it sees only what `uses` names. */
  readonly run: (
    input: Flatten<Pick<Known & TimeInput, I[number] & keyof (Known & TimeInput)>>,
    tools: W extends NetworkOptions ? FunctionNetwork : NoNetwork,
  ) => FunctionResult<O>;
  /** Functions and constants of the file that `run` refers to, under the names it calls them by. */
  readonly uses?: Used;
  /** CPU time that one call may take; `'5ms'` by default. */
  readonly timeout?: Duration;
  /** Memory of the process that it runs in; `'32MB'` by default. */
  readonly memory?: ByteSize;
  /** Answers of equal inputs are kept for so long. */
  readonly cache?: { readonly ttl: Duration };
  readonly network?: W;
}

/** Functions of a service, one after another: each may read what those before it give. */
export interface FunctionChain<
  Known extends object = object,
  Values extends object = Record<never, never>,
> {
  readonly nodes: readonly FunctionNode[];
  /** For the compiler alone. */
  readonly types?: { readonly values: Values };
  /**
   * Adds a function.
   *
   * @example
   * .compute('pricing', {
   *   version: 1,
   *   inputs: ['amount', 'mean_amount_7d'],
   *   outputs: { surprise: float64().default(0) },
   *   run: ({ amount, mean_amount_7d }) => ({
   *     surprise: mean_amount_7d === null ? null : Math.log1p(amount / mean_amount_7d),
   *   }),
   * })
   */
  compute<
    const I extends readonly string[],
    O extends OutputMap,
    W extends NetworkOptions | undefined = undefined,
  >(
    name: string,
    options: FunctionOptions<Known, I, O, W>,
  ): FunctionChain<Known & FunctionValues<O>, Values & FunctionValues<O>>;
}
