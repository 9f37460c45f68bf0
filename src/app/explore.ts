import { AsofError } from '../base/errors.ts';
import {
  Lineage,
  type LineageDirection,
  type LineageWalk,
  type TrainedSet,
} from '../plan/lineage.ts';
import { type LineageNode, parseLineageId } from '../plan/lineage-node.ts';
import type { ProjectPlan } from '../plan/plan.ts';
import { LOCAL_VIEWER, type Viewer } from '../registry/access/viewer.ts';
import { Catalogue, type CataloguePage, type CatalogueQuery } from '../registry/catalogue.ts';
import type { StateOf } from '../registry/catalogue-entries.ts';
import { viewerOf } from './access/identity.ts';
import type { Config } from './config.ts';
import { appliedPlan } from './project.ts';
import { withRegistry } from './with-registry.ts';

/** What an answer about lineage is asked with. */
export interface LineageQuery {
  readonly direction: LineageDirection;
  readonly depth?: number;
  readonly limit?: number;
  readonly directOnly?: boolean;
}

export interface LineageAnswer extends LineageWalk {
  readonly node: LineageNode;
  readonly direction: LineageDirection;
}

/** What the registry knows beside the plan. */
export interface ExploredFacts {
  readonly trained: readonly TrainedSet[];
  readonly stateOf: StateOf;
}

const NO_FACTS: ExploredFacts = { trained: [], stateOf: () => null };

/** Lineage and catalogue of one plan, made when they are first asked for; shows what a viewer may see. */
export class Explorer {
  readonly #plan: ProjectPlan;
  readonly #facts: ExploredFacts;
  readonly #viewer: Viewer;
  #lineage: Lineage | null = null;
  #catalogue: Catalogue | null = null;

  constructor(plan: ProjectPlan, facts: ExploredFacts, viewer: Viewer) {
    this.#viewer = viewer;
    this.#plan = plan;
    this.#facts = facts;
  }

  get graph(): Lineage {
    this.#lineage ??= Lineage.of(this.#plan, this.#facts.trained);
    return this.#lineage;
  }

  /** @throws AsofError `unknown_name`, of what may not be seen as of what is not there */
  lineage(text: string, query: LineageQuery, viewer: Viewer = this.#viewer): LineageAnswer {
    const visible = (name: string): boolean => viewer.mayRead(name);
    const named = parseLineageId(text);
    // A refusal is noted; what is answered is decided by what may be seen.
    if (named !== null && named.kind !== 'measure')
      viewer.decide('lineage.read', [named.definition]);
    const node = this.graph.find(text, visible);
    const { direction, ...options } = query;
    return { node, direction, ...this.graph.walk([node.id], direction, { ...options, visible }) };
  }

  /** @throws AsofError `bad_request` for a cursor that is none */
  search(query: CatalogueQuery, viewer: Viewer = this.#viewer): CataloguePage {
    this.#catalogue ??= Catalogue.of(this.#plan, this.#facts.stateOf);
    return this.#catalogue.search({ ...query, visible: (name) => viewer.mayRead(name) });
  }
}

/** What is applied, to be explored. @throws AsofError `not_applied` */
export async function exploreApplied(config: Config): Promise<Explorer> {
  const { plan } = await appliedPlan(config);
  return new Explorer(plan, await exploredFacts(config), viewerOf(config));
}

/** What the registry knows now of training sets and of lifecycles. */
export async function exploredFacts(config: Config): Promise<ExploredFacts> {
  return withRegistry(config, async (registry) => {
    const states = await registry.lifecycle.states();
    const known = new Map(states.map((one) => [titleOf(one.kind, one.name, one.version), one]));
    return {
      trained: await registry.datasets.list(),
      stateOf: (kind, name, version) => known.get(titleOf(kind, name, version))?.state ?? null,
    };
  });
}

function titleOf(kind: string, name: string, version: number): string {
  return `${kind} ${name}@${version}`;
}

/** How long facts of the registry are good for; a registry that is away leaves those before. */
const FACTS_FRESH_MS = 5_000;

/** The explorer of a server: of the plan in use, made anew when plan or facts have changed. */
export class LiveExplorer {
  readonly #plan: () => ProjectPlan;
  readonly #facts: () => Promise<ExploredFacts>;
  readonly #nowMs: () => number;
  #known: ExploredFacts = NO_FACTS;
  #knownMs = Number.NEGATIVE_INFINITY;
  #current: { readonly plan: ProjectPlan; readonly explorer: Explorer } | null = null;

  constructor(plan: () => ProjectPlan, facts: () => Promise<ExploredFacts>, nowMs: () => number) {
    this.#plan = plan;
    this.#facts = facts;
    this.#nowMs = nowMs;
  }

  async lineage(text: string, query: LineageQuery, viewer: Viewer): Promise<LineageAnswer> {
    return (await this.#explorer()).lineage(text, query, viewer);
  }

  async search(query: CatalogueQuery, viewer: Viewer): Promise<CataloguePage> {
    return (await this.#explorer()).search(query, viewer);
  }

  async #explorer(): Promise<Explorer> {
    if (this.#nowMs() - this.#knownMs >= FACTS_FRESH_MS) {
      this.#knownMs = this.#nowMs();
      try {
        this.#known = await this.#facts();
        this.#current = null;
      } catch (error) {
        if (!(error instanceof AsofError)) throw error;
      }
    }
    const plan = this.#plan();
    if (this.#current?.plan !== plan) {
      this.#current = { plan, explorer: new Explorer(plan, this.#known, LOCAL_VIEWER) };
    }
    return this.#current.explorer;
  }
}
