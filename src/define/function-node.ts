import type { UsedNode } from './function-source.ts';
import type { MetaNode, NamedColumn, ProblemNode } from './node-parts.ts';

/** A function of a service as written; null means the default. */
export interface FunctionNode extends MetaNode {
  readonly name: string;
  readonly version: unknown;
  readonly inputs: readonly string[];
  readonly outputs: readonly NamedColumn[];
  /** Its text, types stripped. */
  readonly source: string | ProblemNode;
  readonly uses: readonly UsedNode[];
  readonly timeout: string | null;
  readonly memory: string | null;
  readonly cacheTtl: string | null;
  readonly network: { readonly hosts: readonly string[]; readonly timeout: string | null } | null;
  /** What was given that cannot be. */
  readonly problems: readonly ProblemNode[];
  /** Options that there are not. */
  readonly unknown: readonly string[];
}
