import { namedColumns } from './column.ts';
import type { FunctionNode } from './function-node.ts';
import { sourceOf, type UsedNode, usedNodes } from './function-source.ts';
import type { FunctionChain } from './function-type.ts';
import { deepFreeze, isProblem, type MetaOptions, metaNode, type ProblemNode } from './node.ts';

const OPTIONS: ReadonlySet<string> = new Set([
  ...['version', 'inputs', 'outputs', 'run', 'uses', 'timeout', 'memory', 'cache', 'network'],
  ...['description', 'tags', 'risk'],
]);

/** The options as they may come from plain JavaScript. */
interface LooseOptions extends MetaOptions {
  readonly version?: unknown;
  readonly inputs?: unknown;
  readonly outputs?: unknown;
  readonly run?: unknown;
  readonly uses?: unknown;
  readonly timeout?: unknown;
  readonly memory?: unknown;
  readonly cache?: { readonly ttl?: unknown };
  readonly network?: { readonly hosts?: unknown; readonly timeout?: unknown };
}

class Chain {
  readonly nodes: readonly FunctionNode[];

  constructor(nodes: readonly FunctionNode[]) {
    this.nodes = deepFreeze([...nodes]);
    Object.freeze(this);
  }

  compute(name: string, options: LooseOptions): Chain {
    return new Chain([...this.nodes, functionNode(name, options)]);
  }
}

/** The functions that a service declares, in the order written. */
export function functionNodes(given: unknown): readonly FunctionNode[] {
  if (typeof given !== 'function') return [];
  // The chain knows names for the compiler alone, so this is the one place that asserts.
  const made: unknown = (given as (chain: FunctionChain) => unknown)(
    new Chain([]) as unknown as FunctionChain,
  );
  return made instanceof Chain ? made.nodes : [];
}

function functionNode(name: string, options: LooseOptions): FunctionNode {
  const used = usedNodes(options.uses);
  const { network } = options;
  return {
    name,
    version: options.version,
    inputs: texts(options.inputs),
    outputs: namedColumns(options.outputs),
    source: sourceOf('run', options.run),
    uses: used.filter((one): one is UsedNode => !isProblem(one)),
    timeout: text(options.timeout),
    memory: text(options.memory),
    cacheTtl: text(options.cache?.ttl),
    network:
      network === undefined
        ? null
        : { hosts: texts(network.hosts), timeout: text(network.timeout) },
    problems: used.filter((one): one is ProblemNode => isProblem(one)),
    unknown: Object.keys(options).filter((option) => !OPTIONS.has(option)),
    ...metaNode(options),
  };
}

function texts(given: unknown): string[] {
  return Array.isArray(given) ? given.map(String) : [];
}

function text(given: unknown): string | null {
  return given === undefined ? null : String(given);
}
