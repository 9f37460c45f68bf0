import type { Clock } from '../base/clock.ts';
import type { Tokenizer } from '../base/tokenizer.ts';
import { type Faults, newFaults } from '../expr/faults.ts';
import type { ProjectPlan } from '../plan/plan.ts';
import type { VersionState } from '../registry/lifecycle-rows.ts';
import { closedModels } from '../registry/serving-states.ts';
import type { Single } from '../schema/types.ts';
import type { FetchedRows, OnlineStore } from '../store/online-store.ts';
import type { ServedSink } from '../store/serve-log.ts';
import type { FoundFeature, ViewFeature } from './ad-hoc-services.ts';
import type { FeatureResponse, ServeCounters, ServiceDescription } from './answer.ts';
import type { AnswerHead, FeatureRequest, OpenSink } from './answer-sink.ts';
import { type AskedRows, rowsFor, wantedRows } from './asked-rows.ts';
import { atOnce, textOf } from './at-once.ts';
import { degradationOf, NOT_DEGRADED } from './degradation.ts';
import { freshnessAt, staleViews } from './freshness.ts';
import type { FunctionAnswers } from './functions/function-answers.ts';
import { completeRows } from './functions/function-stage.ts';
import { jsonSink } from './json-sink.ts';
import { type ContractTotals, ModelContracts } from './model-contracts.ts';
import { objectSink } from './object-sink.ts';
import { readAhead } from './read-ahead.ts';
import type { ServiceRoute } from './release-routes.ts';
import type { CapturedRow } from './row-reader.ts';
import { ServedServices } from './served-services.ts';
import { ServingClock, type ServingClockMode } from './serving-clock.ts';
import type { ShadowMoment, ShadowReader, ShadowRoute } from './shadow-reader.ts';
import { understand } from './understand-request.ts';
import { writeRows } from './write-rows.ts';

export interface FeatureServerOptions {
  readonly plan: ProjectPlan;
  readonly store: OnlineStore;
  readonly clock: Clock;
  /** `wall` by default. */
  readonly clockMode?: ServingClockMode;
  /** Takes the sample of answers that `verify` replays. */
  readonly serveLog?: ServedSink | null;
  /** Needed where keys of a service are tokenized. */
  readonly tokenizer?: () => Tokenizer | null;
  /** Reads a sample of the rows by a second version too. */
  readonly shadow?: ShadowReader | null;
  /** Runs functions; without it none of them has a value. */
  readonly functions?: FunctionAnswers | null;
}

/**
 * The read path. Each service is compiled once; an answer is made in one synchronous step, so all
 * of its rows share one time t and one position p (semantics §6).
 */
export class FeatureServer {
  readonly #clock: ServingClock;
  readonly #serveLog: ServedSink | null;
  readonly #shadow: ShadowReader | null;
  readonly #functions: FunctionAnswers | null;
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
    this.#functions = options.functions ?? null;
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
   * Answers in the form that `open` makes. At once where the state is at hand; else when its rows
   * have been fetched, or the deadline has passed.
   * @throws AsofError `unknown_service`, `unknown_model`, `not_active`, `invalid_key`,
   * `invalid_field`, `bad_request`, `too_many_rows`, `contract_violated`; and of features of views
   * as `resolve` does, and `ambiguous_key`
   */
  read<T>(request: FeatureRequest, open: OpenSink<T>): T | Promise<T> {
    const asked = this.#ask(request);
    // By the time that rows are there, another store may be in use, with another position.
    const store = this.#store;
    const { fetcher } = store;
    if (fetcher === null) return this.#answer(asked, store, null, open);
    const fetched = fetcher.fetch(wantedRows(asked.compiled.plan, asked.rows), asked.fetch);
    return fetched instanceof Promise
      ? fetched.then((now) => this.#answer(asked, store, now, open))
      : this.#answer(asked, store, fetched, open);
  }

  /**
   * Reads what a large answer needs in parts, before it is asked for; null where the rows lie
   * elsewhere. @throws AsofError as `read`
   */
  readAhead(request: FeatureRequest, open: OpenSink<unknown>): (() => boolean) | null {
    const store = this.#store;
    if (store.fetcher !== null) return null;
    const timeMs = () => (this.#store === store ? this.nowMs() : null);
    return readAhead(this.#understand(request), timeMs, open === jsonSink);
  }

  /** How long a request has that does not say it; also of one that will be refused. */
  timeoutMs({ service, version }: Pick<FeatureRequest, 'service' | 'version'>): number {
    return this.#services.timeoutMs(service ?? '', version);
  }

  get plan(): ProjectPlan {
    return this.#plan;
  }

  get isAtHand(): boolean {
    return this.#store.fetcher === null;
  }

  /** The same as objects, for callers in this process where the state is at hand. */
  get(service: string, rows: readonly unknown[], version?: number): FeatureResponse {
    return atOnce(this.read({ service, version, model: undefined, rows }, objectSink));
  }

  /** The same as JSON text in ASCII. */
  getJson(service: string, rows: readonly unknown[], version?: number): string {
    return textOf(atOnce(this.read({ service, version, model: undefined, rows }, jsonSink)));
  }

  /** The same of what a model may read, held to its contract. */
  getModelJson(
    model: string,
    rows: readonly unknown[],
    service?: string,
    version?: number,
  ): string {
    return textOf(atOnce(this.read({ service, version, model, rows }, jsonSink)));
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

  /**
   * Features of views, with the versions that answer.
   * @throws AsofError `unknown_view`, `unknown_feature`, `not_active`
   */
  resolve(features: readonly ViewFeature[]): FoundFeature[] {
    return this.#services.adHoc.resolve(features);
  }

  /** Totals by `name@version`, for metrics. */
  counters(): ReadonlyMap<string, Readonly<ServeCounters>> {
    const counters = new Map<string, Readonly<ServeCounters>>();
    for (const [id, compiled] of this.#services.all()) counters.set(id, compiled.counters);
    return counters;
  }

  /** Rows that features were in that were asked for alone. */
  adHocReads(): ReadonlyMap<string, number> {
    return this.#services.adHoc.reads();
  }

  /** Overflows and divisions by zero of derived features since the start. */
  get faults(): Readonly<Faults> {
    return this.#faults;
  }

  /** The time t an answer would have now. */
  nowMs(): number {
    return this.#clock.nowMs(this.#store.applied);
  }

  #ask(request: FeatureRequest): AskedRows {
    const asked = this.#understand(request);
    const { counters } = asked.compiled;
    counters.requests += 1;
    counters.rows += asked.rows.length;
    if (this.#shadow !== null && !this.#shadow.isIdle) {
      this.#shadow.offer(asked.compiled, rowsFor(request, asked.compiled));
    }
    return asked;
  }

  #understand(request: FeatureRequest): AskedRows {
    return understand(request, this.#services, this.#models, this.isAtHand);
  }

  /** Rows are read in one synchronous step: all share one time t and one position p. */
  #answer<T>(
    asked: AskedRows,
    store: OnlineStore,
    fetched: FetchedRows | null,
    open: OpenSink<T>,
  ): T | Promise<T> {
    fetched?.bind();
    if (fetched !== null) asked.stages?.mark('fetch');
    const { compiled, contract, rows } = asked;
    const { reader, writer } = contract ?? compiled;
    const { asOfMs, commit } = this.#moment(store);
    const head: AnswerHead = {
      plan: reader.plan,
      compiled,
      writer,
      deprecation: compiled.deprecation,
      asOfMs,
      commit,
      rowCount: rows.length,
      freshness: freshnessAt(reader.plan, compiled.plan, store.applied, asOfMs),
      degradation: degradationOf(compiled.plan, fetched, commit),
    };
    const { isDegraded } = head.degradation ?? NOT_DEGRADED;
    reader.begin(staleViews(compiled.plan, store.applied, asOfMs, isDegraded));
    const write = (load: (row: number) => void): T =>
      writeRows(asked, head, open, this.#serveLog, load);
    if (reader.plan.functionSlots === null) {
      return write((row) => reader.read(rows[row] as Single[], asOfMs));
    }
    // While the functions run, others are answered by the same reader.
    const captured = rows.map((row) => reader.captured(row, asOfMs));
    const { deadlineMs } = asked.fetch;
    return completeRows(reader.plan, captured, this.#functions, asOfMs, deadlineMs).then(() =>
      write((row) => reader.restore(captured[row] as CapturedRow)),
    );
  }

  #moment({ applied }: OnlineStore = this.#store): ShadowMoment {
    return { asOfMs: this.#clock.nowMs(applied), commit: applied.commit };
  }
}
