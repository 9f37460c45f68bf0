import { present } from '../base/assert.ts';
import { AsofError } from '../base/errors.ts';
import { LIMITS } from '../base/limits.ts';
import { didYouMean } from '../base/suggest.ts';
import type { Tokenizer } from '../base/tokenizer.ts';
import type { Faults } from '../expr/faults.ts';
import { keyTokensOf } from '../plan/personal-columns.ts';
import type { ProjectPlan, ServiceKeyPlan, ServicePlan, ViewPlan } from '../plan/plan.ts';
import { sourceNamed, viewNamed } from '../plan/plan-index.ts';
import type { VersionState } from '../registry/lifecycle-rows.ts';
import { type ServingRefusal, viewRefusal } from '../registry/serving-states.ts';
import { sameType, typeText } from '../schema/types.ts';
import type { OnlineStore } from '../store/online-store.ts';
import { type CompiledService, compileService } from './compiled-service.ts';
import { notActive, unknownView } from './unknown-names.ts';

/** A feature of a view, asked for by itself. */
export interface ViewFeature {
  readonly view: string;
  /** null: the newest version that is served. */
  readonly version: number | null;
  readonly feature: string;
}

/** The same, found. */
export interface FoundFeature extends ViewFeature {
  readonly version: number;
}

/**
 * Features of views that no service puts together, read by the same way as those of services: each
 * list of them is compiled as a service of its own, without a name. Of the lists that come again
 * the newest are kept.
 */
export class AdHocServices {
  readonly #faults: Faults;
  readonly #tokenizer: () => Tokenizer | null;
  readonly #kept = new Map<string, CompiledService>();
  /** By `view@version.feature`, rows of lists that are not kept any more. */
  readonly #read = new Map<string, number>();
  #used: { readonly plan: ProjectPlan; readonly store: OnlineStore } | null = null;
  #states: readonly VersionState[] | null = null;

  constructor(faults: Faults, tokenizer: () => Tokenizer | null) {
    this.#faults = faults;
    this.#tokenizer = tokenizer;
  }

  use(plan: ProjectPlan, store: OnlineStore): void {
    this.#used = { plan, store };
    this.#clear();
  }

  /** @param states of every version of views and services; null: all may answer */
  gate(states: readonly VersionState[] | null): void {
    this.#states = states;
    this.#clear();
  }

  /**
   * What is meant, with the versions that answer.
   * @throws AsofError `unknown_view`, `unknown_feature`, `not_active`
   */
  resolve(features: readonly ViewFeature[]): FoundFeature[] {
    return features.map((asked, i) => {
      const view = this.#viewOf(asked, `features[${i}]`);
      const known = view.features.map(({ name }) => name);
      if (!known.includes(asked.feature)) {
        const message = `The view '${view.name}@${view.version}' has no feature '${asked.feature}'.`;
        throw new AsofError('unknown_feature', message + didYouMean(asked.feature, known), {
          path: `features[${i}]`,
        });
      }
      return { ...asked, version: view.version };
    });
  }

  /**
   * Outputs are in the order asked.
   * @throws AsofError as `resolve`; `ambiguous_key` where views mean different things by one key
   */
  find(features: readonly ViewFeature[]): CompiledService {
    const found = this.resolve(features);
    const id = JSON.stringify(found.map(({ view, version, feature }) => [view, version, feature]));
    const compiled = this.#kept.get(id) ?? this.#compile(found);
    // Those that were asked for last stand last.
    this.#kept.delete(id);
    this.#kept.set(id, compiled);
    if (this.#kept.size > LIMITS.adHocServices) {
      const [oldest] = this.#kept;
      if (oldest !== undefined) {
        addReads(this.#read, oldest[1]);
        this.#kept.delete(oldest[0]);
      }
    }
    return compiled;
  }

  /** Rows that each feature was in, by `view@version.feature`, since the start. */
  reads(): ReadonlyMap<string, number> {
    const reads = new Map(this.#read);
    for (const compiled of this.#kept.values()) addReads(reads, compiled);
    return reads;
  }

  #clear(): void {
    for (const compiled of this.#kept.values()) addReads(this.#read, compiled);
    this.#kept.clear();
  }

  #viewOf({ view: name, version }: ViewFeature, path: string): ViewPlan {
    const { views } = this.#inUse().plan;
    const named = views.filter((one) => one.name === name);
    const newestFirst = named.toSorted((a, b) => b.version - a.version);
    const [newest] = newestFirst;
    if (newest === undefined) {
      throw unknownView(
        name,
        views.map((one) => one.name),
        path,
      );
    }
    if (version === null) {
      const served = newestFirst.find((one) => this.#refusalOf(one) === null);
      if (served !== undefined) return served;
    }
    const found = version === null ? newest : viewNamed(views, name, version);
    if (found === undefined) {
      const message = `The view '${name}' has no version ${version}.`;
      const remedy = 'Leave the version out for the newest one that is served.';
      throw new AsofError('unknown_view', message, { path: 'version', remedy });
    }
    const refusal = this.#refusalOf(found);
    if (refusal !== null) throw notActive(refusal);
    return found;
  }

  #refusalOf(view: ViewPlan): ServingRefusal | null {
    return this.#states === null ? null : viewRefusal(view, this.#states);
  }

  #inUse(): { readonly plan: ProjectPlan; readonly store: OnlineStore } {
    return present(this.#used, 'a plan is in use');
  }

  #compile(found: readonly FoundFeature[]): CompiledService {
    const { plan, store } = this.#inUse();
    return compileService({
      ...{ plan, store, service: serviceOf(plan, found), faults: this.#faults },
      tokenizer: this.#tokenizer(),
      cachedAnswers: LIMITS.adHocAnswers,
    });
  }
}

/** As a definition would be resolved; without a name, as nobody is to find it by one. */
function serviceOf(plan: ProjectPlan, found: readonly FoundFeature[]): ServicePlan {
  const joinKeys = new Map<string, ServiceKeyPlan>();
  const features = found.map(({ view: name, version, feature }) => {
    const title = `${name}@${version}.${feature}`;
    const view = present(viewNamed(plan.views, name, version), title);
    for (const key of keysOf(plan, view)) addKey(joinKeys, key, view);
    const { type } = present(
      view.features.find((one) => one.name === feature),
      title,
    );
    return { name: title, view: name, version, feature, type };
  });
  return {
    name: AD_HOC,
    version: 0,
    features,
    joinKeys: [...joinKeys.values()].sort((a, b) => (a.name < b.name ? -1 : 1)),
    request: [],
    onDemand: [],
    hash: '',
    meta: { owner: null, description: null, tags: [] },
  };
}

/** No service has this name. */
export const AD_HOC = '';

function keysOf(plan: ProjectPlan, view: ViewPlan): ServiceKeyPlan[] {
  const entity = present(
    plan.entities.find(({ name }) => name === view.entity),
    `the entity of '${view.name}'`,
  );
  const source = sourceNamed(plan.sources, view.source);
  const columns = entity.joinKeys.map(({ name }) => view.key[name] ?? '');
  const tokens = source === undefined ? {} : keyTokensOf(source, entity, columns);
  return entity.joinKeys.map(({ name, type }) => {
    const domain = tokens[name];
    return domain === undefined ? { name, type } : { name, type, tokens: domain };
  });
}

/** A request gives each join key once, so all views must mean the same by it. */
function addKey(keys: Map<string, ServiceKeyPlan>, key: ServiceKeyPlan, view: ViewPlan): void {
  const other = keys.get(key.name);
  keys.set(key.name, key);
  if (other === undefined) return;
  if (sameType(other.type, key.type) && other.tokens === key.tokens) return;
  const types = sameType(other.type, key.type)
    ? 'as a token in one view, and as it is or as another token in another'
    : `as ${typeText(other.type)} and as ${typeText(key.type)}`;
  const message = `The join key '${key.name}' is read ${types}: '${view.name}' is one of the two.`;
  throw new AsofError('ambiguous_key', message, { path: 'features' });
}

function addReads(reads: Map<string, number>, { plan, counters }: CompiledService): void {
  for (const { view, version, feature } of plan.service.features) {
    const title = `${view}@${version}.${feature}`;
    reads.set(title, (reads.get(title) ?? 0) + counters.rows);
  }
}
