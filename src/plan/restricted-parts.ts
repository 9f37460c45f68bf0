import { referencedColumns } from '../expr/references.ts';
import { computedOutputs } from './function-outputs.ts';
import type { DatasetPlan, FeaturePlan, ProjectPlan, ServicePlan, ViewPlan } from './plan.ts';
import { groupOf, sourceNamed } from './plan-index.ts';

/** A source column, or a feature of all versions of a view, that only some may read. */
export interface PartRule {
  readonly kind: 'column' | 'feature';
  /** The source, or the view. */
  readonly definition: string;
  readonly part: string;
  readonly label: string;
}

/** A label that is asked for, and of what: `fraud.spend@2.amount_1h` or `fraud.payments.amount`. */
export interface AskedLabel {
  readonly label: string;
  readonly of: string;
}

type Plan = Pick<ProjectPlan, 'sources' | 'groups' | 'views' | 'services'>;

const NO_LABELS: ReadonlySet<string> = new Set();

/**
 * Which labels the parts of a plan ask for: what a rule names, and all that derives from it. A
 * value derives from what it is computed of and from what decides which rows count: a feature that
 * is filtered by a column tells about the column. Keys do not count: whoever asks brings them.
 */
export class RestrictedParts {
  readonly #plan: Plan;
  readonly #rules: readonly PartRule[];
  readonly #bySource = new Map<string, ReadonlyMap<string, ReadonlySet<string>>>();
  /** Of what SQL makes: which rows there are tells of all that it read. */
  readonly #rowsOf = new Map<string, ReadonlySet<string>>();
  readonly #byView = new Map<string, ReadonlyMap<string, ReadonlySet<string>>>();

  constructor(plan: Plan, rules: readonly PartRule[]) {
    this.#plan = plan;
    this.#rules = rules;
    if (rules.length === 0) return;
    for (const { name } of plan.sources) this.#columnsOf(name, new Set());
    for (const view of plan.views) {
      this.#byView.set(`${view.name}@${view.version}`, this.#featuresOf(view, plan.groups));
    }
  }

  /** Whether nothing asks for anything, so that nothing need be looked up. */
  get isEmpty(): boolean {
    return this.#rules.length === 0;
  }

  /** Of raw rows: every label of any of the source's columns. */
  ofSource(source: string): readonly AskedLabel[] {
    return asked(this.#bySource.get(source), source);
  }

  ofColumn(source: string, column: string): ReadonlySet<string> {
    return this.#bySource.get(source)?.get(column) ?? NO_LABELS;
  }

  ofView(view: string, version: number): readonly AskedLabel[] {
    return asked(this.#byView.get(`${view}@${version}`), `${view}@${version}`);
  }

  ofFeature(view: string, version: number, feature: string): ReadonlySet<string> {
    return this.#byView.get(`${view}@${version}`)?.get(feature) ?? NO_LABELS;
  }

  /** Of an answer of the service, and of a training set by it; or of some of its outputs alone. */
  ofService(
    service: Pick<ServicePlan, 'features' | 'onDemand' | 'functions'>,
    outputs: ReadonlySet<string> | null = null,
  ): readonly AskedLabel[] {
    const shown = outputs === null ? null : withWhatTheyReadOf(service, outputs);
    return service.features
      .filter(({ name }) => shown === null || shown.has(name))
      .flatMap(({ view, version, feature }) =>
        [...this.ofFeature(view, version, feature)].map((label) => ({
          label,
          of: `${view}@${version}.${feature}`,
        })),
      );
  }

  /** Of the versions of a service that `answers` says of, or of all that there are. */
  ofServiceNamed(
    name: string,
    answers: (version: number) => boolean = () => true,
    outputs: ReadonlySet<string> | null = null,
  ): readonly AskedLabel[] {
    if (this.isEmpty) return [];
    return this.#plan.services
      .filter((service) => service.name === name && answers(service.version))
      .flatMap((service) => this.ofService(service, outputs));
  }

  /**
   * Outputs of the versions that answer, or of some of them, that ask for a label that is not held;
   * and those that are computed of such.
   */
  deniedOutputs(
    name: string,
    answers: (version: number) => boolean,
    outputs: ReadonlySet<string> | null,
    isHeld: (label: string) => boolean,
  ): ReadonlySet<string> {
    const denied = new Set<string>();
    for (const service of this.#plan.services) {
      if (service.name !== name || !answers(service.version)) continue;
      for (const { name: output, view, version, feature } of service.features) {
        const labels = [...this.ofFeature(view, version, feature)];
        if (!labels.every(isHeld)) denied.add(output);
      }
      for (const { name: output, reads } of computedOutputs(service)) {
        if (reads.some((read) => denied.has(read))) denied.add(output);
      }
    }
    return outputs === null ? denied : new Set([...denied].filter((one) => outputs.has(one)));
  }

  /** Names of all outputs of the versions that answer. */
  outputsOf(name: string, answers: (version: number) => boolean): ReadonlySet<string> {
    const services = this.#plan.services.filter(
      (service) => service.name === name && answers(service.version),
    );
    return new Set(
      services.flatMap((service) =>
        [...service.features, ...computedOutputs(service)].map((output) => output.name),
      ),
    );
  }

  /** Of a defined training set: its service, its labels, and the rows that it is asked at. */
  ofDataset(
    dataset: DatasetPlan,
    service: Pick<ServicePlan, 'features' | 'onDemand' | 'functions'>,
  ): readonly AskedLabel[] {
    const labels = dataset.labels.flatMap(({ name, view, groups }) =>
      asked(this.#featuresOf(view, groups), `${dataset.name}@${dataset.version}.${name}`),
    );
    return [...this.ofService(service), ...labels, ...this.#ofSpine(dataset)];
  }

  #ofSpine({ spine }: DatasetPlan): readonly AskedLabel[] {
    if (spine.kind === 'query') {
      return Object.values(spine.upstreams).flatMap((source) => this.ofSource(source));
    }
    if (spine.kind !== 'events') return [];
    const filter = spine.filter === null ? [] : referencedColumns(spine.filter);
    const columns = new Set([...Object.values(spine.columns), ...filter]);
    return [...columns].flatMap((column) =>
      [...this.ofColumn(spine.source, column)].map((label) => ({
        label,
        of: `${spine.source}.${column}`,
      })),
    );
  }

  #rulesOf(kind: PartRule['kind'], definition: string): readonly PartRule[] {
    return this.#rules.filter((rule) => rule.kind === kind && rule.definition === definition);
  }

  /** Nobody looks into SQL: each column that a query makes derives from all that it may read. */
  #columnsOf(name: string, above: ReadonlySet<string>): ReadonlyMap<string, ReadonlySet<string>> {
    const known = this.#bySource.get(name);
    if (known !== undefined) return known;
    const source = sourceNamed(this.#plan.sources, name);
    const columns = new Map<string, Set<string>>();
    if (source === undefined || above.has(name)) return columns;
    const from = source.origin?.from;
    const inherited = new Set<string>();
    if (from?.kind === 'query') {
      for (const upstream of Object.values(from.upstreams)) {
        const its = this.#columnsOf(upstream, new Set([...above, name]));
        for (const labels of its.values()) for (const label of labels) inherited.add(label);
      }
    }
    this.#rowsOf.set(name, inherited);
    const rules = this.#rulesOf('column', name);
    for (const { name: column, alias } of source.columns) {
      const own = rules.filter(({ part }) => part === column || part === alias);
      const labels = new Set([...inherited, ...own.map(({ label }) => label)]);
      if (labels.size > 0) columns.set(column, labels);
    }
    this.#bySource.set(name, columns);
    return columns;
  }

  #featuresOf(view: ViewPlan, groups: Plan['groups']): ReadonlyMap<string, ReadonlySet<string>> {
    const found = new Map<string, ReadonlySet<string>>();
    const rules = this.#rulesOf('feature', view.name);
    const ofFilter = view.filter === null ? [] : referencedColumns(view.filter);
    for (const feature of view.features) {
      const labels = new Set(rules.filter((one) => one.part === feature.name).map((o) => o.label));
      for (const label of this.#rowsOf.get(view.source) ?? NO_LABELS) labels.add(label);
      const columns = [...ofFilter, ...measured(feature, groups)];
      for (const column of columns) {
        for (const label of this.ofColumn(view.source, column)) labels.add(label);
      }
      if (feature.kind === 'derived') {
        for (const before of referencedColumns(feature.expr)) {
          for (const label of found.get(before) ?? NO_LABELS) labels.add(label);
        }
      }
      if (labels.size > 0) found.set(feature.name, labels);
    }
    return found;
  }
}

/** Outputs, and those that on-demand ones among them are computed of; each comes after its own. */
function withWhatTheyReadOf(
  service: Pick<ServicePlan, 'onDemand' | 'functions'>,
  outputs: ReadonlySet<string>,
): ReadonlySet<string> {
  const shown = new Set(outputs);
  for (const { name, reads } of computedOutputs(service).toReversed()) {
    if (shown.has(name)) for (const read of reads) shown.add(read);
  }
  return shown;
}

/** Columns of the source that an aggregate measures, or filters by. */
function measured(feature: FeaturePlan, groups: Plan['groups']): readonly string[] {
  if (feature.kind === 'derived') return [];
  const group = groupOf(groups, feature.group);
  if (group === undefined) return [];
  const columns = group.filter === null ? [] : referencedColumns(group.filter);
  for (const part of Object.values(feature.parts)) {
    const lane = group.lanes[group.accumulators[part]?.lane ?? -1];
    if (lane?.measure) columns.push(...referencedColumns(lane.measure));
    if (lane?.filter) columns.push(...referencedColumns(lane.filter));
  }
  return columns;
}

function asked(
  parts: ReadonlyMap<string, ReadonlySet<string>> | undefined,
  whole: string,
): readonly AskedLabel[] {
  return [...(parts ?? [])].flatMap(([part, labels]) =>
    [...labels].map((label) => ({ label, of: `${whole}.${part}` })),
  );
}
