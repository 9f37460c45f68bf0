import { AssertionFailure, assert } from '../base/assert.ts';
import { type LineageName, type LineageNode, lineageId } from './lineage-node.ts';

/** `direct`: the value flows. `indirect`: it decides which rows count, or when. */
export type LineageHow = 'direct' | 'indirect';

/** What the origin is to the target. `value` alone is direct. */
const ROLES = ['value', 'filter', 'key', 'time', 'arrival', 'id', 'unit', 'rows'] as const;

export type LineageRole = (typeof ROLES)[number];

/** So that a pair of places and a role is one exact number. */
const NODES_MAX = 2 ** 24;

export interface LineageEdge {
  /** Place of the other node. */
  readonly node: number;
  readonly role: LineageRole;
}

export function howOf(role: LineageRole): LineageHow {
  return role === 'value' ? 'direct' : 'indirect';
}

interface Given extends LineageName {
  readonly title?: string;
  readonly definitions?: readonly string[];
  readonly whole?: string | null;
  readonly type?: LineageNode['type'];
}

/**
 * Nodes in the order in which they are made, and edges that only lead from an earlier node to a
 * later one: so there is no cycle, whatever is built.
 */
export class LineageGraph {
  readonly nodes: LineageNode[] = [];
  readonly #places = new Map<string, number>();
  readonly #into: LineageEdge[][] = [];
  readonly #outOf: LineageEdge[][] = [];
  readonly #parts = new Map<string, number[]>();
  readonly #joined = new Set<number>();

  /** Makes a node, and says where; a node of that id that is there already stays as it is. */
  add({ kind, definition, version, part, ...more }: Given): number {
    const id = lineageId({ kind, definition, version, part });
    const before = this.#places.get(id);
    if (before !== undefined) return before;
    const place = this.nodes.length;
    assert(place < NODES_MAX, 'lineage has room for its nodes');
    const { title = id.slice(id.indexOf(':') + 1), whole = null, type = null } = more;
    const definitions = more.definitions ?? [definition];
    this.nodes.push({ kind, definition, version, part, id, title, definitions, whole, type });
    this.#places.set(id, place);
    this.#into.push([]);
    this.#outOf.push([]);
    if (whole !== null) this.#partsOf(whole).push(place);
    return place;
  }

  /** Each pair of nodes is joined once in each role. */
  connect(from: number, to: number, role: LineageRole): void {
    assert(from < to, `lineage leads from ${from} on, not to ${to}`);
    const key = (from * NODES_MAX + to) * ROLES.length + ROLES.indexOf(role);
    if (this.#joined.has(key)) return;
    this.#joined.add(key);
    this.#listOf(this.#into, to).push({ node: from, role });
    this.#listOf(this.#outOf, from).push({ node: to, role });
  }

  placeOf(id: string): number | null {
    return this.#places.get(id) ?? null;
  }

  at(place: number): LineageNode {
    const node = this.nodes[place];
    if (node === undefined) throw new AssertionFailure(`there is no lineage node ${place}`);
    return node;
  }

  into(place: number): readonly LineageEdge[] {
    return this.#listOf(this.#into, place);
  }

  outOf(place: number): readonly LineageEdge[] {
    return this.#listOf(this.#outOf, place);
  }

  /** Where the parts of a definition stand; [] of parts, and of definitions without any. */
  parts(whole: string): readonly number[] {
    return this.#parts.get(whole) ?? [];
  }

  #partsOf(whole: string): number[] {
    const known = this.#parts.get(whole);
    if (known !== undefined) return known;
    const parts: number[] = [];
    this.#parts.set(whole, parts);
    return parts;
  }

  #listOf(lists: readonly LineageEdge[][], place: number): LineageEdge[] {
    const list = lists[place];
    if (list === undefined) throw new AssertionFailure(`there is no lineage node ${place}`);
    return list;
  }
}
