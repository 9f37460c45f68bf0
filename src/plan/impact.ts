import { compareText } from './canonical.ts';
import type { DefinitionChange } from './diff.ts';
import { explainPlan } from './explain.ts';
import { Lineage } from './lineage.ts';
import { type LineageNode, lineageId } from './lineage-node.ts';
import type { ProjectPlan, ViewPlan } from './plan.ts';
import { viewNamed } from './plan-index.ts';
import { presentNamesIn } from './present-names.ts';
import { estimateGroups } from './state-estimate.ts';

/** Versions of services that answer callers. */
export interface ReleasedVersion {
  readonly service: string;
  readonly version: number;
  readonly as: 'live' | 'canary';
}

/** What comes from a definition, before the change or after it, as `name@version`. */
export interface Touched {
  /** `view@version.feature`. */
  readonly features: readonly string[];
  readonly services: readonly string[];
  readonly models: readonly string[];
  readonly datasets: readonly string[];
  readonly dashboards: readonly string[];
  /** Those of the services that answer callers: `fraud.checks@2 (live)`. */
  readonly released: readonly string[];
  /** How many more there are that whoever asks may not see. */
  readonly hidden: number;
}

/** What a change of a view costs the state. */
export interface StateCost {
  /** Ids of groups that are built anew, and of those that are dropped. */
  readonly groupsAdded: readonly string[];
  readonly groupsRemoved: readonly string[];
  /** Bytes where keys are typical; null where a view does not say how many keys it has. */
  readonly bytesAdded: number | null;
  readonly bytesRemoved: number | null;
}

export interface ChangeImpact {
  readonly touches: Touched;
  readonly cost: StateCost;
}

/** Answers what changes between two plans touch and cost; each plan's lineage is made once. */
export class Impacts {
  readonly #before: PlanSide;
  readonly #after: PlanSide;
  readonly #released: readonly ReleasedVersion[];
  readonly #visible: (definition: string) => boolean;

  constructor(
    before: ProjectPlan | null,
    after: ProjectPlan,
    released: readonly ReleasedVersion[] = [],
    visible: (definition: string) => boolean = () => true,
  ) {
    this.#visible = visible;
    this.#after = new PlanSide(after);
    this.#before =
      before === null ? new PlanSide({ ...after, groups: [], views: [] }) : new PlanSide(before);
    this.#released = released;
  }

  of(change: DefinitionChange): ChangeImpact {
    return { touches: this.#touches(change), cost: this.#cost(change) };
  }

  /** What is described in another way touches nothing. */
  #touches(change: DefinitionChange): Touched {
    const found = new Set<LineageNode>();
    if (change.class !== 'metadata') {
      // Who reads it now, and who will.
      if (change.change !== 'added')
        for (const node of this.#before.downstream(change)) found.add(node);
      if (change.change !== 'removed')
        for (const node of this.#after.downstream(change)) found.add(node);
    }
    const own = definitionOf(change);
    let hidden = 0;
    const listed = (nodes: readonly LineageNode[], title: (node: LineageNode) => string) => {
      const shown = new Map(nodes.map((node) => [title(node), this.#visible(node.definition)]));
      shown.delete(own);
      hidden += [...shown.values()].filter((isShown) => !isShown).length;
      return [...shown].flatMap(([name, isShown]) => (isShown ? [name] : [])).sort(compareText);
    };
    const wholes = (kind: string): string[] => {
      const ofKind = [...found].filter((node) => wholeOf(node).startsWith(`${kind}:`));
      return listed(ofKind, (node) => wholeOf(node).slice(kind.length + 1));
    };
    const features = [...found].filter(({ kind }) => kind === 'feature');
    const touched = {
      features: listed(features, ({ id }) => id.slice('feature:'.length)),
      services: wholes('service'),
      models: wholes('model'),
      datasets: wholes('dataset'),
      dashboards: wholes('dashboard'),
    };
    const released = this.#released
      .map(({ service, version, as }) => ({ title: `${service}@${version}`, as }))
      .filter(({ title }) => touched.services.includes(title) || title === own)
      .map(({ title, as }) => `${title} (${as})`);
    return { ...touched, released, hidden };
  }

  #cost(change: DefinitionChange): StateCost {
    const [had, has] = [this.#before.groupsOf(change), this.#after.groupsOf(change)];
    const groupsAdded = has.filter((id) => !this.#before.has(id));
    const groupsRemoved = had.filter((id) => !this.#after.has(id));
    return {
      groupsAdded,
      groupsRemoved,
      bytesAdded: this.#after.bytesOf(groupsAdded),
      bytesRemoved: this.#before.bytesOf(groupsRemoved),
    };
  }
}

/** One of the two plans, with what is asked of it again and again. */
class PlanSide {
  readonly #plan: ProjectPlan;
  readonly #ids: ReadonlySet<string>;
  #lineage: Lineage | null = null;
  #bytes: ReadonlyMap<string, number | null> | null = null;

  constructor(plan: ProjectPlan) {
    this.#plan = plan;
    this.#ids = new Set(plan.groups.map(({ id }) => id));
  }

  has(group: string): boolean {
    return this.#ids.has(group);
  }

  downstream(change: DefinitionChange): readonly LineageNode[] {
    this.#lineage ??= Lineage.of(this.#plan);
    const walk = this.#lineage.downstreamOf(startsOf(change, this.#plan));
    return [...walk.starts, ...walk.nodes];
  }

  /** Tile groups are what views are kept in: where a source changes them, its views change too. */
  groupsOf({ kind, name, version }: DefinitionChange): string[] {
    if (kind !== 'view' || version === null) return [];
    const view = viewNamed(this.#plan.views, name, version);
    const ids = view === undefined ? [] : groupIdsOf(view);
    return [...new Set(ids)].filter((id) => this.#ids.has(id));
  }

  bytesOf(groups: readonly string[]): number | null {
    if (groups.length === 0) return 0;
    this.#bytes ??= estimateGroups(this.#plan, explainPlan(this.#plan));
    return groups.reduce<number | null>((sum, id) => {
      const bytes = this.#bytes?.get(id) ?? null;
      return sum === null || bytes === null ? null : sum + bytes;
    }, 0);
  }
}

function groupIdsOf(view: ViewPlan): string[] {
  return view.features.flatMap((one) => (one.kind === 'aggregate' ? [one.group] : []));
}

const PART_KINDS = { source: 'column', view: 'feature', service: 'output' } as const;

/** Where the change is: the parts that are named, if all of it is about parts. */
function startsOf(
  { kind, name: definition, version, rules }: DefinitionChange,
  plan: ProjectPlan,
): string[] {
  const whole = lineageId({ kind, definition, version, part: null });
  if (kind !== 'source' && kind !== 'view' && kind !== 'service') return [whole];
  const told = rules.filter((one) => one.class !== 'metadata');
  // Of a source that takes other rows than before, every column is of other rows.
  if (kind === 'source' && told.some((one) => one.class === 'breaking')) return [whole];
  const parts = told.flatMap(({ part }) => (part === undefined ? [] : [part]));
  if (told.length === 0 || parts.length < told.length) return [whole];
  const partKind = PART_KINDS[kind];
  // Columns are told by their first names, and are nodes under those that they have in the plan.
  const names = kind === 'source' ? presentNamesIn(definition, plan) : new Map<string, string>();
  return [...new Set(parts)].map((part) =>
    lineageId({ kind: partKind, definition, version, part: names.get(part) ?? part }),
  );
}

function definitionOf({ name, version }: DefinitionChange): string {
  return version === null ? name : `${name}@${version}`;
}

/** The definition that a node is part of, as an id; itself where it has no parts. */
function wholeOf({ whole, id }: LineageNode): string {
  return whole ?? id;
}
