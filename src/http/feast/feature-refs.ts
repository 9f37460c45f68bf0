/** `view:feature` or `view@v2:feature`, as Feast's clients name features. */
export interface FeatureRef {
  readonly view: string;
  /** null: the newest version that is served. */
  readonly version: number | null;
  readonly feature: string;
}

/** `name`, `name@v2` or `name@latest`: a part that says no version belongs to the name. */
export interface VersionedName {
  readonly name: string;
  readonly version: number | null;
}

/** Null where the text names no feature of a view. */
export function readFeatureRef(text: string): FeatureRef | null {
  const colon = text.indexOf(':');
  if (colon <= 0 || colon === text.length - 1) return null;
  const { name, version } = readVersionedName(text.slice(0, colon));
  return { view: name, version, feature: text.slice(colon + 1) };
}

export function readVersionedName(text: string): VersionedName {
  const at = text.indexOf('@');
  if (at < 0) return { name: text, version: null };
  const name = text.slice(0, at);
  const tag = text.slice(at + 1);
  if (tag === '' || tag.toLowerCase() === 'latest') return { name, version: null };
  const version = /^[vV](\d{1,15})$/.exec(tag)?.[1];
  return version === undefined ? { name: text, version: null } : { name, version: Number(version) };
}

/** The name that the feature has in the answer, as Feast makes it. */
export function fullName({ view, version, feature }: FeatureRef): string {
  return `${view}${version === null ? '' : `@v${version}`}__${feature}`;
}
