import { bytesOf } from '../base/byte-size.ts';
import { formatDuration } from '../base/duration.ts';
import { AsofError } from '../base/errors.ts';
import { SERVING_LIMITS } from '../base/serving-limits.ts';
import { didYouMean } from '../base/suggest.ts';
import type { FunctionNode } from '../define/function-node.ts';
import type { ColumnNode, ServiceNode } from '../define/node.ts';
import { isProblem } from '../define/node.ts';
import { isScalarProblem, scalarOf } from '../define/scalar.ts';
import { literal } from '../expr/build.ts';
import { typeText, type ValueType } from '../schema/types.ts';
import {
  AS_OF_INPUT,
  type FunctionInputPlan,
  type FunctionNetworkPlan,
  type FunctionOutputPlan,
  type FunctionPlan,
} from './function-form.ts';
import { functionDigest } from './hash.ts';
import type { IssueList } from './issue-list.ts';
import type { TokenNames } from './personal-columns.ts';
import { metaOf } from './source-plan.ts';

/** Something of the service that a function may read. */
export interface KnownInput {
  readonly name: string;
  readonly type: ValueType;
  readonly nullable: boolean;
}

/** The functions of a service, checked, in the order written: each may read those before it. */
export function resolveFunctions(
  node: ServiceNode,
  given: readonly KnownInput[],
  tokens: TokenNames,
  issues: IssueList,
): FunctionPlan[] {
  const path = `services.${node.name}.functions`;
  const { functionsPerService } = SERVING_LIMITS;
  if (node.functions.length > functionsPerService) {
    const message = `The service has ${node.functions.length} functions.`;
    issues.add('invalid_definition', path, message, `Use at most ${functionsPerService}.`);
  }
  const known = new Map(given.map((one) => [one.name, one]));
  const names = new Set<string>();
  return node.functions.flatMap((one) => {
    const place = `${path}.${one.name}`;
    if (names.has(one.name)) {
      const message = `Two functions are named '${one.name}'.`;
      issues.add('invalid_definition', place, message, 'Rename one of the two.');
    }
    names.add(one.name);
    const plan = resolveFunction(one, known, tokens, place, issues);
    for (const output of plan?.outputs ?? []) known.set(output.name, seen(output));
    return plan === null ? [] : [plan];
  });
}

/** An output as the functions after it see it: a default stands in for null. */
function seen({ name, type, default: fallback }: FunctionOutputPlan): KnownInput {
  return { name, type, nullable: fallback === null };
}

function resolveFunction(
  node: FunctionNode,
  known: ReadonlyMap<string, KnownInput>,
  tokens: TokenNames,
  path: string,
  issues: IssueList,
): FunctionPlan | null {
  const before = issues.count;
  issues.checkName(path, 'a function', node.name);
  issues.checkVersion(`${path}.version`, node.version);
  for (const problem of node.problems) issues.addProblem(`${path}.uses`, problem);
  for (const option of node.unknown) {
    const message = `There is no option '${option}'.${didYouMean(option, OPTIONS)}`;
    issues.add('invalid_definition', `${path}.${option}`, message, `Use ${OPTIONS.join(', ')}.`);
  }
  const inputs = resolveInputs(node, known, tokens, path, issues);
  const outputs = resolveOutputs(node, path, issues);
  const source = resolveSource(node, path, issues);
  const network = resolveNetwork(node, path, issues);
  const bound = (text: string | null, otherMs: number | null, maxMs: number, option: string) =>
    boundedMs(text, otherMs, maxMs, `${path}.${option}`, issues);
  const { functionTimeoutMs, functionTimeoutMaxMs, functionCacheTtlMaxMs } = SERVING_LIMITS;
  const timeoutMs = bound(node.timeout, functionTimeoutMs, functionTimeoutMaxMs, 'timeout');
  const cacheTtlMs = bound(node.cacheTtl, null, functionCacheTtlMaxMs, 'cache.ttl');
  const memoryMiB = resolveMemory(node, path, issues);
  if (issues.count > before || source === null || timeoutMs === null) return null;
  const plan = {
    ...{ name: node.name, version: Number(node.version), inputs, outputs, source },
    ...{ uses: node.uses, network, timeoutMs, memoryMiB, cacheTtlMs },
  };
  return { ...plan, digest: functionDigest(plan), meta: metaOf(node) };
}

const OPTIONS = [
  ...['version', 'inputs', 'outputs', 'run', 'uses', 'timeout', 'memory', 'cache', 'network'],
  ...['description', 'tags', 'risk'],
];

function resolveInputs(
  { inputs }: FunctionNode,
  known: ReadonlyMap<string, KnownInput>,
  tokens: TokenNames,
  path: string,
  issues: IssueList,
): FunctionInputPlan[] {
  if (inputs.length > SERVING_LIMITS.functionColumns) {
    const remedy = `Use at most ${SERVING_LIMITS.functionColumns}.`;
    issues.add('invalid_definition', `${path}.inputs`, `It has ${inputs.length} inputs.`, remedy);
  }
  return [...new Set(inputs)].flatMap((name): FunctionInputPlan[] => {
    const place = `${path}.inputs.${name}`;
    if (name === AS_OF_INPUT) return [{ name, type: { kind: 'timestamp' }, nullable: false }];
    const found = known.get(name);
    if (found === undefined) {
      const names = [...known.keys(), AS_OF_INPUT];
      const message = `The service has no '${name}' before this function.${didYouMean(name, names)}`;
      const remedy = 'Name a request field, a feature, or an output of an earlier function.';
      issues.add('unknown_name', place, message, remedy);
      return [];
    }
    if (tokens.has(name)) {
      const message = `'${name}' is tokenized: of a token it is known only which others are equal.`;
      issues.add('type_mismatch', place, message, 'Leave it out of the inputs.');
    }
    return [{ name, type: found.type, nullable: found.nullable }];
  });
}

function resolveOutputs(
  { outputs }: FunctionNode,
  path: string,
  issues: IssueList,
): FunctionOutputPlan[] {
  const { functionColumns } = SERVING_LIMITS;
  if (outputs.length === 0 || outputs.length > functionColumns) {
    const message = `It has ${outputs.length} outputs.`;
    const remedy = `Declare one to ${functionColumns}, for example outputs: { score: float64() }.`;
    issues.add('invalid_definition', `${path}.outputs`, message, remedy);
  }
  return outputs.flatMap(({ name, column }): FunctionOutputPlan[] => {
    const place = `${path}.outputs.${name}`;
    issues.checkName(place, 'an output', name);
    if (column.kind === 'problem') {
      issues.addProblem(place, column);
      return [];
    }
    return resolveOutput(name, column, place, issues);
  });
}

function resolveOutput(
  name: string,
  column: ColumnNode,
  path: string,
  issues: IssueList,
): FunctionOutputPlan[] {
  const { type, optional } = column;
  if (type.kind === 'vector') {
    const remedy = 'Return single values, one output each.';
    issues.add('type_mismatch', path, `The output '${name}' is a ${typeText(type)}.`, remedy);
    return [];
  }
  const isBounded = (column.min ?? null) !== null || (column.max ?? null) !== null;
  if (isBounded || column.personal !== undefined) {
    const message = `The output '${name}' is bounded or personal; a function's outputs are neither.`;
    issues.add('invalid_definition', path, message, 'Bound it within the function.');
  }
  if (!('default' in column)) return [{ name, type, nullable: optional, default: null }];
  const scalar = scalarOf(column.default, type);
  if (isScalarProblem(scalar)) {
    issues.add(scalar.code, path, `The default ${scalar.message}`, `Give a ${typeText(type)}.`);
    return [];
  }
  try {
    return [{ name, type, nullable: true, default: literal(type, scalar).value }];
  } catch (error) {
    if (!(error instanceof AsofError)) throw error;
    issues.add(error.code, path, error.message, error.remedy);
    return [];
  }
}

function resolveSource(
  { source, uses }: FunctionNode,
  path: string,
  issues: IssueList,
): string | null {
  if (typeof source !== 'string') {
    if (isProblem(source)) issues.addProblem(`${path}.run`, source);
    return null;
  }
  const bytes = Buffer.byteLength([source, ...uses.map(({ text }) => text)].join());
  const { functionSourceBytes } = SERVING_LIMITS;
  if (bytes <= functionSourceBytes) return source;
  const message = `Its text, with what it uses, has ${bytes} bytes.`;
  const remedy = `Use at most ${functionSourceBytes}; tables of data belong into a table().`;
  issues.add('invalid_definition', `${path}.run`, message, remedy);
  return null;
}

/** A host name, with a port or without; no address range, no wildcard. */
const HOST = /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:\d{1,5})?$/;

function resolveNetwork(
  { network }: FunctionNode,
  path: string,
  issues: IssueList,
): FunctionNetworkPlan | null {
  if (network === null) return null;
  const { functionHosts, functionNetworkTimeoutMs, functionNetworkTimeoutMaxMs } = SERVING_LIMITS;
  const hosts = [...new Set(network.hosts.map((host) => host.toLowerCase()))].sort();
  if (hosts.length === 0 || hosts.length > functionHosts) {
    const remedy = `Name one to ${functionHosts}: network: { hosts: ['rates.example.com'] }.`;
    issues.add('invalid_definition', `${path}.network`, `It names ${hosts.length} hosts.`, remedy);
  }
  for (const host of hosts.filter((one) => !HOST.test(one))) {
    const remedy = "Write it without scheme and path: 'rates.example.com', 'localhost:8080'.";
    issues.add('invalid_definition', `${path}.network`, `'${host}' is no host.`, remedy);
  }
  const [otherMs, maxMs] = [functionNetworkTimeoutMs, functionNetworkTimeoutMaxMs];
  const timeoutMs = boundedMs(network.timeout, otherMs, maxMs, `${path}.network.timeout`, issues);
  return { hosts, timeoutMs: timeoutMs ?? otherMs };
}

function boundedMs(
  text: string | null,
  otherMs: number | null,
  maxMs: number,
  path: string,
  issues: IssueList,
): number | null {
  if (text === null) return otherMs;
  const spanMs = issues.duration(path, text);
  if (spanMs === null || spanMs <= maxMs) return spanMs;
  const remedy = `Use at most ${formatDuration(maxMs)}.`;
  issues.add('invalid_definition', path, `'${text}' is longer than may be.`, remedy);
  return null;
}

function resolveMemory({ memory }: FunctionNode, path: string, issues: IssueList): number {
  const { functionMemoryMiB, functionMemoryMinMiB, functionMemoryMaxMiB } = SERVING_LIMITS;
  if (memory === null) return functionMemoryMiB;
  try {
    const amount = Math.ceil(bytesOf(memory) / 2 ** 20);
    if (amount >= functionMemoryMinMiB && amount <= functionMemoryMaxMiB) return amount;
    const remedy = `Use ${functionMemoryMinMiB}MB to ${functionMemoryMaxMiB}MB.`;
    issues.add('invalid_definition', `${path}.memory`, `'${memory}' cannot be given.`, remedy);
  } catch (error) {
    if (!(error instanceof AsofError)) throw error;
    issues.add(error.code, `${path}.memory`, error.message, error.remedy);
  }
  return functionMemoryMiB;
}
