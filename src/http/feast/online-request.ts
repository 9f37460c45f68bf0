import { AsofError, type Issue, issue } from '../../base/errors.ts';
import { LIMITS } from '../../base/limits.ts';
import { type FeatureRef, fullName, readFeatureRef, readVersionedName } from './feature-refs.ts';

/** `POST /get-online-features`, read: a service, or features of views, for rows in columns. */
export interface OnlineRequest {
  readonly service: { readonly name: string; readonly version: number | undefined } | null;
  /** In the order asked; none where a service is named. */
  readonly refs: readonly FeatureRef[];
  /** Whether answers name features by `view__feature`. */
  readonly isFull: boolean;
  readonly entities: Columns;
}

/** Values by name, of one length. */
export interface Columns {
  readonly names: readonly string[];
  readonly values: ReadonlyMap<string, readonly unknown[]>;
  readonly rowCount: number;
}

type Fields = Readonly<Record<string, unknown>>;

/**
 * Reads the body as Feast's own server does: fields that it does not know are ignored, and a named
 * service goes before a list of features.
 * @throws AsofError `bad_request` with every issue, `name_collision`, `too_many_rows`
 */
export function readOnlineRequest(body: unknown): OnlineRequest {
  const fields = requireFields(body);
  const issues: Issue[] = [];
  const service = optionalText(fields, 'feature_service', issues);
  const isFull = optionalFlag(fields, 'full_feature_names', issues);
  const refs = service === null ? readRefs(fields.features, issues) : [];
  if (service === null && refs.length === 0 && issues.length === 0) {
    add(issues, 'features', 'Neither a feature_service nor features are named.');
  }
  const entities = readColumns(fields, 'entities', LIMITS.rowsPerRequest, issues);
  refuseAny(issues);
  requireDistinct(refs, isFull);
  if (service === null) return { service: null, refs, isFull, entities };
  const { name, version } = readVersionedName(service);
  return { service: { name, version: version ?? undefined }, refs: [], isFull, entities };
}

/** @throws AsofError `bad_request` */
export function requireFields(body: unknown): Fields {
  if (typeof body === 'object' && body !== null && !Array.isArray(body)) return body as Fields;
  throw new AsofError('bad_request', 'The body is no object.', { path: 'body' });
}

/** Columns of one length, and not of too many rows; of any lengths where there are issues. */
export function readColumns(
  fields: Fields,
  field: string,
  rowsMax: number,
  issues: Issue[],
): Columns {
  const given = own(fields, field);
  const values = new Map<string, readonly unknown[]>();
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    add(issues, field, `'${field}' must be an object of columns: a list of values by name.`);
    return { names: [], values, rowCount: 0 };
  }
  for (const [name, column] of Object.entries(given)) {
    if (Array.isArray(column)) values.set(name, column);
    else add(issues, `${field}.${short(name)}`, `The column '${short(name)}' is no list.`);
  }
  const names = [...values.keys()];
  const rowCount = values.get(names[0] ?? '')?.length ?? 0;
  for (const [name, { length }] of values) {
    if (length === rowCount) continue;
    const message = `The column '${short(name)}' has ${length} values, '${short(names[0] ?? '')}' has ${rowCount}.`;
    add(issues, `${field}.${short(name)}`, message);
  }
  if (rowCount > rowsMax) {
    const message = `The request has ${rowCount} rows; the limit is ${rowsMax}.`;
    throw new AsofError('too_many_rows', message, { path: field });
  }
  return { names, values, rowCount };
}

function readRefs(given: unknown, issues: Issue[]): FeatureRef[] {
  if (given === undefined || given === null) return [];
  if (!Array.isArray(given)) {
    add(issues, 'features', "'features' must be a list of texts.");
    return [];
  }
  if (given.length > LIMITS.featuresPerService) {
    const message = `The request names ${given.length} features; the limit is ${LIMITS.featuresPerService}.`;
    add(issues, 'features', message);
    return [];
  }
  return given.flatMap((text: unknown, i) => {
    const ref = typeof text === 'string' ? readFeatureRef(text) : null;
    if (ref !== null) return [ref];
    const shown = typeof text === 'string' ? `'${short(text)}'` : `A ${typeof text}`;
    add(issues, `features[${i}]`, `${shown} is no feature: write view:feature.`);
    return [];
  });
}

/** Two columns of one name could not be told apart in the answer. */
function requireDistinct(refs: readonly FeatureRef[], isFull: boolean): void {
  const seen = new Set<string>();
  for (const [i, ref] of refs.entries()) {
    const name = isFull ? fullName(ref) : ref.feature;
    if (seen.has(name)) {
      throw new AsofError('name_collision', `Two of the features are named '${short(name)}'.`, {
        path: `features[${i}]`,
        remedy: isFull
          ? 'Name each feature once.'
          : 'Set full_feature_names, so that names begin with their views.',
      });
    }
    seen.add(name);
  }
}

export function requiredText(fields: Fields, field: string, issues: Issue[]): string {
  const given = own(fields, field);
  if (typeof given === 'string' && given !== '') return given;
  add(issues, field, `'${field}' must be a text.`);
  return '';
}

/** Null where it is absent, null or empty: Feast treats the three alike. */
function optionalText(fields: Fields, field: string, issues: Issue[]): string | null {
  const given = own(fields, field);
  if (given === undefined || given === null || given === '') return null;
  if (typeof given === 'string') return given;
  add(issues, field, `'${field}' must be a text.`);
  return null;
}

function optionalFlag(fields: Fields, field: string, issues: Issue[]): boolean {
  const given = own(fields, field);
  if (given === undefined || given === null) return false;
  if (typeof given !== 'boolean') add(issues, field, `'${field}' must be true or false.`);
  return given === true;
}

/** @throws AsofError `bad_request` */
export function refuseAny(issues: readonly Issue[]): void {
  const [first] = issues;
  if (first === undefined) return;
  throw new AsofError('bad_request', first.message, { path: first.path, issues });
}

export function add(issues: Issue[], path: string, message: string): void {
  if (issues.length < LIMITS.issuesPerAnswer) issues.push(issue('bad_request', path, message));
}

export function own(fields: Fields, name: string): unknown {
  return Object.hasOwn(fields, name) ? fields[name] : undefined;
}

const SHOWN = 60;

export function short(text: string): string {
  return text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text;
}
