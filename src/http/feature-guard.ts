import type { AsofError } from '../base/errors.ts';
import type { AskedLabel, RestrictedParts } from '../registry/access/access-snapshot.ts';
import type { ActionName } from '../registry/access/policy.ts';
import { LOCAL_VIEWER, type Viewer } from '../registry/access/viewer.ts';
import type { ViewFeature } from '../serve/ad-hoc-services.ts';
import type { FeatureRequest } from '../serve/answer-sink.ts';
import type { FeatureServer } from '../serve/feature-server.ts';
import { unknownModel, unknownService, unknownView } from '../serve/unknown-names.ts';
import type { AccessDoor } from './access-door.ts';

type AskedFeatures = Pick<
  FeatureRequest,
  'service' | 'version' | 'model' | 'features' | 'onDenied'
>;

/**
 * Whether features may be read. Names that may not be known of, and names that do not exist, get
 * one and the same answer, with suggestions only from what may be known. A request that would show
 * one restricted feature is refused as a whole: with a null in its place, models would silently
 * compute with it. Who asks for that with `onDenied: 'omit'` is told by the status.
 */
export class FeatureGuard {
  readonly #access: AccessDoor;
  readonly #features: FeatureServer;
  /** Of viewers, services that grants alone decide about, under the definitions in use. */
  #passed = new WeakMap<Viewer, Set<string>>();
  #passedUnder: RestrictedParts | null = null;

  constructor(access: AccessDoor, features: FeatureServer) {
    this.#access = access;
    this.#features = features;
  }

  /**
   * Answers which outputs the viewer may not see; null where that is none.
   * @throws AsofError `forbidden`, `unknown_service`, `unknown_model`, `unknown_view`
   */
  check(viewer: Viewer, asked: AskedFeatures): ReadonlySet<string> | null {
    const { service, version, model, features } = asked;
    if (viewer === LOCAL_VIEWER) return null;
    const isOmitting = asked.onDenied === 'omit';
    if (features !== undefined) this.#checkFeatures(viewer, features);
    else if (model !== undefined) {
      return this.#checkModel(viewer, model, service, version, isOmitting);
    } else if (service !== undefined) {
      return this.#checkService(viewer, service, version, null, isOmitting);
    }
    return null;
  }

  #checkFeatures(viewer: Viewer, features: readonly ViewFeature[]): void {
    const views = [...new Set(features.map(({ view }) => view))];
    const unknown = (name: string): AsofError => unknownView(name, [], 'features');
    viewer.require('features.read', views, unknown);
    const restricted = this.#access.restricted();
    if (restricted.isEmpty) return;
    const needed = this.#features.resolve(features).flatMap(({ view, version, feature }) =>
      [...restricted.ofFeature(view, version, feature)].map((label) => ({
        label,
        of: `${view}@${version}.${feature}`,
      })),
    );
    viewer.require('features.read', views, unknown, needed);
  }

  /**
   * Reading as a model takes both: the model's namespace, and that of what it reads. Labels are
   * asked of the outputs that the model reads, as the answer has no others.
   */
  #checkModel(
    viewer: Viewer,
    title: string,
    service: string | undefined,
    version: number | undefined,
    isOmitting: boolean,
  ): ReadonlySet<string> | null {
    const known = this.#access.models().filter(({ name }) => viewer.mayRead(name));
    const titles = known.map(({ name, version }) => `${name}@${version}`);
    const named = title.split('@', 1).join('');
    viewer.require('features.read', [named], () => unknownModel(title, titles));
    const found = known.find(({ name, version }) => `${name}@${version}` === title);
    if (found === undefined) throw unknownModel(title, titles);
    const outputs = new Set(found.reads.map(({ name }) => name));
    const { service: pinned, serviceVersion } = found;
    const denied = this.#checkService(viewer, pinned, serviceVersion, outputs, isOmitting);
    if (service === undefined) return denied;
    const also = this.#checkService(viewer, service, version, outputs, isOmitting);
    return also === null ? denied : new Set([...also, ...(denied ?? [])]);
  }

  /** @param outputs those that the answer has; null: all of the service */
  #checkService(
    viewer: Viewer,
    name: string,
    version: number | undefined,
    outputs: ReadonlySet<string> | null,
    isOmitting: boolean,
  ): ReadonlySet<string> | null {
    const restricted = this.#access.restricted();
    if (restricted !== this.#passedUnder) {
      this.#passed = new WeakMap();
      this.#passedUnder = restricted;
    }
    if (restricted.isEmpty && this.#passed.get(viewer)?.has(name) === true) return null;
    const unknown = () => unknownService(name, this.#visible(viewer));
    viewer.require('features.read', [name], unknown);
    if (!this.#features.has(name)) throw unknown();
    const answers = (one: number): boolean =>
      version === undefined ? this.#features.share(name, one) > 0 : one === version;
    const isHeld = (label: string): boolean => viewer.principal.labels.includes(label);
    const denied = isOmitting
      ? restricted.deniedOutputs(name, answers, outputs, isHeld)
      : NOTHING_DENIED;
    const shown =
      denied.size === 0 ? outputs : without(outputs ?? restricted.outputsOf(name, answers), denied);
    const needed = restricted.ofServiceNamed(name, answers, shown);
    viewer.require('features.read', [name], unknown, needed);
    if (!restricted.isEmpty) return denied.size === 0 ? null : denied;
    const passed = this.#passed.get(viewer) ?? new Set();
    this.#passed.set(viewer, passed.add(name));
    return null;
  }

  #visible(viewer: Viewer): string[] {
    return this.#features
      .services()
      .map(({ name }) => name)
      .filter((name) => viewer.mayRead(name));
  }
}

const NOTHING_DENIED: ReadonlySet<string> = new Set();

function without(names: ReadonlySet<string>, others: ReadonlySet<string>): ReadonlySet<string> {
  return new Set([...names].filter((name) => !others.has(name)));
}

/** @throws AsofError `unknown_service`, with suggestions only from what the viewer may know of */
export function requireService(features: FeatureServer, name: string, viewer: Viewer): void {
  if (features.has(name)) return;
  const known = viewer.visible(features.services()).map((one) => one.name);
  throw unknownService(name, known);
}

/**
 * What is refused or read of restricted columns is told to the audit, as for features.
 * @throws AsofError `forbidden` if the viewer lacks a label that values of `name` ask for
 */
export function requireLabels(
  viewer: Viewer,
  action: ActionName,
  name: string,
  needed: readonly AskedLabel[],
): void {
  if (viewer === LOCAL_VIEWER || needed.length === 0) return;
  viewer.require(action, [name], undefined, needed);
}

export function missingLabels(
  viewer: Viewer,
  needed: readonly AskedLabel[],
): readonly AskedLabel[] {
  if (viewer === LOCAL_VIEWER) return [];
  return needed.filter(({ label }) => !viewer.principal.labels.includes(label));
}
