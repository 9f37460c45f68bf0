import {
  type DashboardNode,
  deepFreeze,
  type MetaOptions,
  metaNode,
  nodeOf,
  type PickNode,
  problemNode,
} from './node.ts';
import type { Pick } from './pick.ts';

/** What people look at: known to the lineage, so that a change tells what it touches. */
export interface Dashboard<Name extends string = string> {
  readonly node: DashboardNode;
  readonly name: Name;
}

export interface DashboardOptions extends MetaOptions {
  /** Where it is. */
  readonly url?: string;
  /** What it shows. */
  readonly reads: readonly Pick[];
}

/**
 * Names a dashboard, or any other reader outside, with the features that it shows.
 *
 * @example
 * const losses = dashboard('fraud.losses', {
 *   url: 'https://bi.example.org/losses',
 *   reads: [spending.pick('total_7d')],
 * });
 */
export function dashboard<const Name extends string>(
  name: Name,
  options: DashboardOptions,
): Dashboard<Name> {
  const given: readonly unknown[] = Array.isArray(options.reads) ? options.reads : [];
  const node: DashboardNode = deepFreeze({
    kind: 'dashboard',
    name,
    url: options.url ?? null,
    reads: given.map(pickNode),
    ...metaNode(options),
  });
  return Object.freeze({ node, name });
}

function pickNode(given: unknown): DashboardNode['reads'][number] {
  const node = nodeOf(given);
  if (node?.kind === 'pick') return node as PickNode;
  const remedy = "Write view.pick('feature') or view.all().";
  return problemNode('invalid_definition', 'A dashboard shows features of views.', remedy);
}
