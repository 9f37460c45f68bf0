import { present } from '../base/assert.ts';
import type { Clock } from '../base/clock.ts';
import type { Tokenizer } from '../base/tokenizer.ts';
import { type Faults, newFaults } from '../expr/faults.ts';
import type { ProjectPlan } from '../plan/plan.ts';
import type { VersionState } from '../registry/lifecycle-rows.ts';
import { closedModels } from '../registry/serving-states.ts';
import type { Scalar } from '../schema/types.ts';
import type { OnlineStore } from '../store/online-store.ts';
import type { ServeLogWriter } from '../store/serve-log.ts';
import type {
  FeatureResponse,
  FeatureRow,
  ServeCounters,
  ServiceDescription,
  ViewFreshness,
} from './answer.ts';
import { type CompiledService, namedValues, rowObject } from './compiled-service.ts';
import { freshnessOf } from './freshness.ts';
import { type ContractTotals, ModelContracts } from './model-contracts.ts';
import type { ReadPlan } from './read-plan.ts';
import type { ServiceRoute } from './release-routes.ts';
import { readRows } from './request-rows.ts';
import { asciiText } from './response-writer.ts';
import type { RowReader } from './row-reader.ts';
import { ServedServices } from './served-services.ts';
import { ServingClock, type ServingClockMode } from './serving-clock.ts';
import type { ShadowMoment, ShadowReader, ShadowRoute } from './shadow-reader.ts';
import { type ServedStatus, STATUS_BY_CODE } from './status-codes.ts';

export interface FeatureServerOptions {
  readonly plan: ProjectPlan;
  readonly store: OnlineStore;
  readonly clock: Clock;
  /** `wall` by default. */
  readonly clockMode?: ServingClockMode;
  /** Takes the sample of answers that `verify` replays. */
  readonly serveLog?: ServeLogWriter | null;
  /** Needed where keys of a service are tokenized. */
  readonly tokenizer?: () => Tokenizer | null;
  /** Reads a sample of the rows by a second version too. */
  readonly shadow?: ShadowReader | null;
}

interface Answering {
  readonly compiled: CompiledService;
  /** Of each row its join keys, then its request fields. */
  readonly rows: readonly Scalar[][];
  readonly asOfMs: number;
  readonly commit: number;
}

/**
 * The read path. Each service is compiled once; an answer is made in one synchronous step, so all
 * of its rows share one time t and one position p (semantics §6).
 */
export class FeatureServer {
  readonly #clock: ServingClock;
  readonly #serveLog: ServeLogWriter | null;
  readonly #shadow: ShadowReader | null;
  #shadowRoutes: readonly ShadowRoute[] = [];
  readonly #faults: Faults = newFaults();
  readonly #models = new ModelContracts(this.#faults);
  #plan: ProjectPlan;
  #states: readonly VersionState[] | null = null;
  #store: OnlineStore;
  readonly #services: ServedServices;

  constructor(options: FeatureServerOptions) {
    this.#clock = new ServingClock(options.clockMode ?? 'wall', options.clock);
    this.#serveLog = options.serveLog ?? null;
    this.#shadow = options.shadow ?? null;
    this.#store = options.store;
    this.#plan = options.plan;
    this.#services = new ServedServices(this.#faults, options.tokenizer);
    this.use(options.plan, options.store);
  }

  /** Serves another plan from the next answer on; on an error the present one stays. */
  use(plan: ProjectPlan, store: OnlineStore = this.#store): void {
    this.#services.use(plan, store);
    this.#models.use(plan.models);
    this.#plan = plan;
    if (this.#states !== null) this.#models.close(closedModels(plan, this.#states));
    this.shadow(this.#shadowRoutes);
    this.#store = store;
  }

  /**
   * Which versions answer requests that name none, from the next answer on. Where a version is not
   * served, the service stays as it is.
   */
  route(routes: readonly ServiceRoute[]): void {
    this.#services.route(routes);
    this.shadow(this.#shadowRoutes);
  }

  /**
   * Which versions may answer, from the next answer on, and what is said of those that are
   * deprecated. Without a word of it all may.
   */
  gate(states: readonly VersionState[]): void {
    this.#states = states;
    this.#services.gate(states);
    this.#models.close(closedModels(this.#plan, states));
    this.shadow(this.#shadowRoutes);
  }

  /** Which versions are read beside the live ones from the next answer on, and never answered. */
  shadow(routes: readonly ShadowRoute[]): void {
    this.#shadowRoutes = routes;
    this.#shadow?.use(
      routes,
      (name, version) =>
        version === undefined ? this.#services.get(name) : this.#services.compiled(name, version),
      () => this.#moment(),
    );
  }

  /** Of the requests that name no version, the share of keys that this one answers. */
  share(service: string, version: number): number {
    return this.#services.share(service, version);
  }

  /**
   * The values of each row of join keys, in the rows' order, as the platform holds them: int64 and
   * decimal units are a `bigint` beyond 2^53.
   * @throws AsofError `unknown_service`, `not_active`, `invalid_key`, `invalid_field`, `bad_request`, `too_many_rows`
   */
  get(service: string, rows: readonly unknown[], version?: number): FeatureResponse {
    const answering = this.#begin(service, rows, version);
    const { compiled, asOfMs, commit } = answering;
    const { reader, plan } = compiled;
    const freshness = this.#freshness(plan, asOfMs);
    const answered: FeatureRow[] = [];
    for (const given of answering.rows) {
      reader.read(given, asOfMs);
      const row = rowObject(plan, plan.outputs, reader, given);
      for (const { slot } of plan.outputs) {
        compiled.counters[STATUS_BY_CODE[reader.statuses[slot] as number] as ServedStatus] += 1;
      }
      // The caller gave the key, and is answered by it.
      answered.push({ ...row, key: namedValues(plan.service.joinKeys, given, 0) });
      this.#sample(answering, given, reader);
    }
    return {
      service: plan.service.name,
      version: plan.service.version,
      ...(compiled.deprecation === null ? {} : { deprecated: compiled.deprecation }),
      asOfMs,
      position: { commit },
      versions: Object.fromEntries(plan.views.map((view) => [view.label, view.version])),
      freshness: Object.fromEntries(
        plan.views.map((view, i) => [view.label, present(freshness[i], view.label)]),
      ),
      rows: answered,
    };
  }

  /** The JSON text of the same answer, in ASCII: the hot path. */
  getJson(service: string, rows: readonly unknown[], version?: number): string {
    const answering = this.#begin(service, rows, version);
    const { compiled, asOfMs, rows: given } = answering;
    const { reader, writer } = compiled;
    let text = writer.opening(asOfMs, answering.commit, () =>
      this.#freshness(compiled.plan, asOfMs),
    );
    for (let i = 0; i < given.length; i++) {
      const row = given[i] as Scalar[];
      reader.read(row, asOfMs);
      if (i > 0) text += ',';
      text += writer.row(row, reader, compiled.counters);
      this.#sample(answering, row, reader);
    }
    return `${text}]}`;
  }

  /**
   * The JSON text of what a model may read, held to its contract. Without a service it is the
   * version that the model is pinned to; with one, whatever answers there.
   * @throws AsofError `unknown_model`, `contract_violated`, and as `get` does
   */
  getModelJson(
    title: string,
    rows: readonly unknown[],
    service?: string,
    version?: number,
  ): string {
    const model = this.#models.find(title);
    const answering =
      service === undefined
        ? this.#begin(model.service, rows, model.serviceVersion)
        : this.#begin(service, rows, version);
    const { compiled, asOfMs, rows: given } = answering;
    const contract = this.#models.of(model, compiled);
    const { reader, writer } = contract;
    const findings = contract.begin(given.length);
    let text = writer.opening(asOfMs, answering.commit, () =>
      this.#freshness(compiled.plan, asOfMs),
    );
    for (const [at, row] of given.entries()) {
      reader.read(row, asOfMs);
      contract.check(at, findings);
      text += `${at > 0 ? ',' : ''}${writer.row(row, reader, compiled.counters)}`;
      this.#sample(answering, row, reader);
    }
    const note = JSON.stringify(contract.end(findings, given.length));
    return `${text}],"contract":${asciiText(note)}}`;
  }

  /** Models that were asked for since the start. */
  contracts(): ContractTotals[] {
    return this.#models.totals();
  }

  /** Services by name: of each the version that is live, or else the newest. */
  services(): ServiceDescription[] {
    return [...this.#services.names].map((name) => this.service(name));
  }

  has(name: string): boolean {
    return this.#services.get(name) !== null || this.#services.knows(name);
  }

  /** @throws AsofError `unknown_service` */
  service(name: string, version?: number): ServiceDescription {
    return this.#services.find(name, version).description;
  }

  /** Totals by `name@version`, for metrics. */
  counters(): ReadonlyMap<string, Readonly<ServeCounters>> {
    const counters = new Map<string, Readonly<ServeCounters>>();
    for (const [id, compiled] of this.#services.all()) counters.set(id, compiled.counters);
    return counters;
  }

  /** Overflows and divisions by zero of derived features since the start. */
  get faults(): Readonly<Faults> {
    return this.#faults;
  }

  /** The time t an answer would have now. */
  nowMs(): number {
    return this.#clock.nowMs(this.#store.applied);
  }

  #begin(service: string, rows: readonly unknown[], version: number | undefined): Answering {
    const found = this.#services.find(service, version);
    // Also here: a request that failed halfway must leave nothing to the next one.
    let given = readRows(rows, found.plan.service);
    const compiled = version === undefined ? this.#services.routed(found, given) : found;
    const { plan, counters } = compiled;
    if (compiled !== found) given = readRows(rows, plan.service);
    counters.requests += 1;
    counters.rows += given.length;
    if (this.#shadow !== null && !this.#shadow.isIdle) this.#shadow.offer(compiled, rows);
    return { compiled, rows: given, ...this.#moment() };
  }

  #moment(): ShadowMoment {
    const { applied } = this.#store;
    return { asOfMs: this.#clock.nowMs(applied), commit: applied.commit };
  }

  #freshness(plan: ReadPlan, asOfMs: number): ViewFreshness[] {
    return plan.views.map((view) => freshnessOf(view, this.#store.applied, asOfMs));
  }

  /** Also of a model: the log holds all that the version answers, as a replay computes it. */
  #sample(answering: Answering, given: readonly Scalar[], reader: RowReader): void {
    const log = this.#serveLog;
    if (log === null || !log.isSampled()) return;
    const { asOfMs, commit, compiled } = answering;
    const { service, outputs } = compiled.plan;
    const { name, version, joinKeys, request } = service;
    const row = rowObject(compiled.plan, outputs, reader, given);
    const answer = { service: name, version, asOfMs, commit, ...row };
    if (request.length === 0) log.offer(answer);
    else log.offer({ ...answer, request: namedValues(request, given, joinKeys.length) });
  }
}
