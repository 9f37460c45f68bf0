import { AsofError } from '../base/errors.ts';
import type { Tokenizer } from '../base/tokenizer.ts';
import type { Faults } from '../expr/faults.ts';
import type { ProjectPlan } from '../plan/plan.ts';
import type { Scalar } from '../schema/types.ts';
import type { OnlineStore } from '../store/online-store.ts';
import { type CompiledService, compileService } from './compiled-service.ts';
import { isCanaryKey, type ServiceRoute, shareOf } from './release-routes.ts';
import { unknownService } from './unknown-names.ts';

/** All versions of all services, compiled, and which of them answers when none is named. */
export class ServedServices {
  readonly #faults: Faults;
  readonly #tokenizer: Tokenizer | null;
  /** By `name@version`. */
  #versions = new Map<string, CompiledService>();
  /** By name: the version that is live, or else the newest. */
  #live = new Map<string, CompiledService>();
  #newest = new Map<string, CompiledService>();
  #routes: readonly ServiceRoute[] = [];
  #canaries = new Map<string, { readonly compiled: CompiledService; readonly ppm: number }>();

  constructor(faults: Faults, tokenizer: Tokenizer | null = null) {
    this.#faults = faults;
    this.#tokenizer = tokenizer;
  }

  /** Names of the services that are served. */
  get names(): Iterable<string> {
    return this.#live.keys();
  }

  /** On an error nothing changes. */
  use(plan: ProjectPlan, store: OnlineStore): void {
    const versions = new Map<string, CompiledService>();
    const newest = new Map<string, CompiledService>();
    for (const service of plan.services.toSorted((a, b) => a.version - b.version)) {
      const id = `${service.name}@${service.version}`;
      const counters = this.#versions.get(id)?.counters;
      const parts = { plan, service, store, faults: this.#faults, tokenizer: this.#tokenizer };
      const compiled = compileService(parts, counters);
      versions.set(id, compiled);
      newest.set(service.name, compiled);
    }
    this.#versions = versions;
    this.#newest = newest;
    this.route(this.#routes);
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

  /** @throws AsofError `unknown_service` */
  find(name: string, version: number | undefined): CompiledService {
    const found = this.get(name, version);
    if (found !== null) return found;
    const live = this.#live.get(name);
    if (live === undefined) throw unknownService(name, this.names);
    throw new AsofError('unknown_service', `The service '${name}' has no version ${version}.`, {
      path: 'version',
      remedy: `Leave the version out for the live one, ${live.plan.service.version}.`,
    });
  }

  /** An answer is of one version, which the key of its first row decides. */
  routed(live: CompiledService, rows: readonly Scalar[][]): CompiledService {
    const { name, joinKeys } = live.plan.service;
    const canary = this.#canaries.get(name);
    const [first] = rows;
    if (canary === undefined || first === undefined) return live;
    const isChosen = isCanaryKey(name, first.slice(0, joinKeys.length), canary.ppm);
    return isChosen ? canary.compiled : live;
  }

  /** Of the requests that name no version, the share of keys that this one answers. */
  share(name: string, version: number): number {
    const route = this.#routes.find((one) => one.service === name);
    if (route !== undefined) return shareOf(route, version);
    return this.find(name, undefined).plan.service.version === version ? 1 : 0;
  }

  /** By `name@version`. */
  all(): ReadonlyMap<string, CompiledService> {
    return this.#versions;
  }
}
