/** Every name that a page about operations may use, taken from the code that gives it its meaning. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ERRORS } from '../../src/base/errors.ts';
import { featuresResponse } from '../../src/http/feature-schemas.ts';
import { statusResponse } from '../../src/http/schemas.ts';

const root = join(import.meta.dirname, '..', '..');

/** The text of all sources below a folder of `src`, without their tests. */
export function sourceText(folder: string): string {
  const under = join(root, 'src', folder);
  return readdirSync(under, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
    .map((name) => readFileSync(join(under, name), 'utf8'))
    .join('\n');
}

const all = sourceText('.');

function found(text: string, pattern: RegExp): Set<string> {
  return new Set(Array.from(text.matchAll(pattern), (match) => match[1] ?? ''));
}

export const METRICS = found(sourceText('monitor'), /'(asof_[a-z_]+)'/g);
const STAGES = found(sourceText('app') + sourceText('stream'), /name: '([a-z_]+)'/g);
const STATES = found(sourceText('base') + sourceText('ingest/connectors'), /\| '([a-z_]+)'/g);
/** Settings, and options of definitions: members of the types that describe them. */
const OPTIONS = found(
  sourceText('define') + readFileSync(join(root, 'src/app/connector-config.ts'), 'utf8'),
  /readonly (\w+)\??:/g,
);
const CONFIG = found(readFileSync(join(root, 'src/app/config.ts'), 'utf8'), /readonly (\w+):/g);
const DSL = found(readFileSync(join(root, 'src/index.ts'), 'utf8'), /\b(\w+)\b/g);
const ROUTES = found(sourceText('http'), /'(\/[\w/:.-]+)'/g);
const PATHS = new Set([...pathsOf(statusResponse), ...pathsOf(featuresResponse)]);

interface Schema {
  readonly type?: unknown;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly anyOf?: readonly Schema[];
  readonly allOf?: readonly Schema[];
  readonly items?: Schema;
}

/** `views[].memory.bytes` and the like, parts included. */
function* pathsOf(schema: Schema, path = ''): Generator<string> {
  if (path !== '') yield path;
  for (const part of [...(schema.anyOf ?? []), ...(schema.allOf ?? [])]) {
    yield* pathsOf(part, path);
  }
  if (schema.items !== undefined) yield* pathsOf(schema.items, `${path}[]`);
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    yield* pathsOf(property, path === '' ? name : `${path}.${name}`);
  }
}

/** Whether the code knows a name that stands in code type on the page. */
export function isKnown(name: string): boolean {
  if (name.startsWith('asof_')) return METRICS.has(name);
  if (/^(GET|POST) /.test(name)) return ROUTES.has(name.split(' ')[1] ?? '');
  if (/^[a-z]+(_[a-z]+)+$/.test(name)) {
    return Object.hasOwn(ERRORS, name) || STAGES.has(name) || STATES.has(name);
  }
  if (/[[.]/.test(name) && !name.includes(' ')) return PATHS.has(name);
  const word = name.replace(/\(\)$/, '');
  if (/^[a-z]\w*$/.test(word)) {
    const isName = [PATHS, CONFIG, OPTIONS, DSL, STATES].some((names) => names.has(word));
    return isName || Object.hasOwn(ERRORS, word) || all.includes(`'${word}'`);
  }
  // A log line: as a whole, as it stands in the code.
  return all.includes(`'${name}'`);
}
