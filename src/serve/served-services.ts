import { AsofError } from '../base/errors.ts';
import { LIMITS } from '../base/limits.ts';
import type { Tokenizer } from '../base/tokenizer.ts';
import type { Faults } from '../expr/faults.ts';
import type { ProjectPlan } from '../plan/plan.ts';
import type { VersionState } from '../registry/lifecycle-rows.ts';
import { type ServingRefusal, servingStates } from '../registry/serving-states.ts';
import type { Single } from '../schema/types.ts';
import type { OnlineStore } from '../store/online-store.ts';
import { AdHocServices } from './ad-hoc-services.ts';
import { type CompiledService, compileService, withState } from './compiled-service.ts';
import { isCanaryKey, type ServiceRoute, shareOf } from './release-routes.ts';
import { notActive, unknownService } from './unknown-names.ts';

/** All versions of all services, compiled, and which of them answers when none is named. */
export class ServedServices {
  readonly #faults: Faults;
  readonly #tokenizer: () => Tokenizer | null;
  #plan: ProjectPlan | null = null;
  /** By `name@version`, whether it may answer or not. */
  #compiled = new Map<string, CompiledService>();
  /** Those that may answer. */
  #versions = new Map<string, CompiledService>();
  #closed = new Map<string, ServingRefusal>();
  /** Of every version of anything; null where nobody tells: all may answer. */
  #states: readonly VersionState[] | null = null;
  /** By name: the version that is live, or else the newest. */
  #live = new Map<string, CompiledService>();
  /** Of features that no service puts together. */
  readonly adHoc: AdHocServices;
  #newest = new Map<string, CompiledService>();
  #routes: readonly ServiceRoute[] = [];
  #canaries = new Map<string, { readonly compiled: CompiledService; readonly ppm: number }>();

  constructor(faults: Faults, tokenizer: () => Tokenizer | null = () => null) {
    this.#faults = faults;
    this.#tokenizer = tokenizer;
    this.adHoc = new AdHocServices(faults, tokenizer);
  }

  /** Names of the services that are served. */
  get names(): Iterable<string> {
    return this.#live.keys();
  }

  /** On an error nothing changes. */
  use(plan: ProjectPlan, store: OnlineStore): void {
    const versions = new Map<string, CompiledService>();
    for (const service of plan.services.toSorted((a, b) => a.version - b.version)) {
      const id = `${service.name}@${service.version}`;
      const counters = this.#compiled.get(id)?.counters;
      const parts = { plan, service, store, faults: this.#faults, tokenizer: this.#tokenizer() };
      const compiled = compileService(parts, counters);
      versions.set(id, compiled);
    }
    this.#compiled = versions;
    this.#plan = plan;
    this.adHoc.use(plan, store);
    this.gate(this.#states);
  }

  /**
   * Which versions may answer, from the next answer on: decided here once, so that no request asks.
   * @param states of every version of views and services; null: all may answer
   */
  gate(states: readonly VersionState[] | null): void {
    this.#states = states;
    this.adHoc.gate(states);
    this.#versions = new Map(this.#compiled);
    this.#closed = new Map();
    const servings =
      states === null || this.#plan === null ? [] : servingStates(this.#plan, states);
    for (const serving of servings) {
      const id = `${serving.service}@${serving.version}`;
      const compiled = this.#compiled.get(id);
      if (compiled === undefined) continue;
      if (serving.refusal === null) this.#versions.set(id, withState(compiled, serving));
      else {
        this.#versions.delete(id);
        this.#closed.set(id, serving.refusal);
      }
    }
    this.#newest = new Map([...this.#versions.values()].map((one) => [one.plan.service.name, one]));
    this.route(this.#routes);
  }

  /** A version whether it may answer or not: what is read beside others needs no approval. */
  compiled(name: string, version: number): CompiledService | null {
    return this.#compiled.get(`${name}@${version}`) ?? null;
  }

  /** Where a version is not there, the service is answered by its newest one. */
  route(routes: readonly ServiceRoute[]): void {
    this.#routes = routes;
    this.#live = new Map(this.#newest);
    this.#canaries = new Map();
    for (const { service, live, canary, canaryPpm } of routes) {
      const answering = this.#versions.get(`${service}@${live}`);
      if (answering === undefined) continue;
      this.#live.set(service, answering);
      const compiled = canary === null ? undefined : this.#versions.get(`${service}@${canary}`);
      if (compiled !== undefined) this.#canaries.set(service, { compiled, ppm: canaryPpm });
    }
  }

  /** The version, or without one that which is live; null where it is not there. */
  get(name: string, version?: number): CompiledService | null {
    const found =
      version === undefined ? this.#live.get(name) : this.#versions.get(`${name}@${version}`);
    return found ?? null;
  }

  /** How long a request has that does not say it. */
  timeoutMs(name: string, version: number | undefined): number {
    const found = this.get(name, version);
    return found?.description.serving.timeoutMs ?? LIMITS.requestTimeoutMs;
  }

  /** Whether there is such a service, though none of its versions may answer. */
  knows(name: string): boolean {
    return [...this.#compiled.values()].some((one) => one.plan.service.name === name);
  }

  /** @throws AsofError `unknown_service`, `not_active` */
  find(name: string, version: number | undefined): CompiledService {
    const found = this.get(name, version);
    if (found !== null) return found;
    const live = this.#live.get(name);
    const refusal = this.#refusalOf(name, version);
    if (refusal !== null) throw notActive(refusal);
    if (live === undefined) throw unknownService(name, this.names);
    throw new AsofError('unknown_service', `The service '${name}' has no version ${version}.`, {
      path: 'version',
      remedy: `Leave the version out for the live one, ${live.plan.service.version}.`,
    });
  }

  /** Of the version, or where none is named and none may answer, of the newest. */
  #refusalOf(name: string, version: number | undefined): ServingRefusal | null {
    if (version !== undefined) return this.#closed.get(`${name}@${version}`) ?? null;
    const newest = [...this.#compiled.values()].findLast((one) => one.plan.service.name === name);
    if (newest === undefined) return null;
    return this.#closed.get(`${name}@${newest.plan.service.version}`) ?? null;
  }

  /** An answer is of one version, which the key of its first row decides. */
  routed(live: CompiledService, rows: readonly Single[][]): CompiledService {
    const { name, joinKeys } = live.plan.service;
    const canary = this.#canaries.get(name);
    const [first] = rows;
    if (canary === undefined || first === undefined) return live;
    const isChosen = isCanaryKey(name, first.slice(0, joinKeys.length), canary.ppm);
    return isChosen ? canary.compiled : live;
  }

  /** Of the requests that name no version, the share of keys that this one answers; none may. */
  share(name: string, version: number): number {
    const live = this.#live.get(name)?.plan.service.version;
    const route = this.#routes.find((one) => one.service === name);
    if (route !== undefined && route.live === live) return shareOf(route, version);
    return live === version ? 1 : 0;
  }

  /** By `name@version`. */
  all(): ReadonlyMap<string, CompiledService> {
    return this.#versions;
  }
}
