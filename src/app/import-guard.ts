import { existsSync, realpathSync } from 'node:fs';
import { type ResolveFnOutput, registerHooks } from 'node:module';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { AsofError } from '../base/errors.ts';

/** What definitions may be made of. */
export interface ImportBounds {
  /** The definitions file. */
  readonly entry: string;
  /** Folders whose files may be imported: the project's, and those that its settings name. */
  readonly folders: readonly string[];
}

/** They compute, and reach neither files nor other machines nor processes. */
const BUILTINS: ReadonlySet<string> = new Set(
  [
    ...['assert', 'assert/strict', 'buffer', 'path', 'path/posix', 'querystring'],
    ...['string_decoder', 'url', 'util', 'util/types'],
  ].map((name) => `node:${name}`),
);

/** Ways to other machines that need no import. */
const NETWORK = ['fetch', 'WebSocket', 'EventSource'] as const;

/** asof itself, from whose files everything may be reached. */
const OWN_FOLDER = realpathSync(resolve(import.meta.dirname, '..')) + sep;

const PACKAGES = `${sep}node_modules${sep}`;

/**
 * From now on, modules of this thread import only what definitions may: files of the project's own
 * folders, installed packages, and the few modules of Node.js that reach nothing outside. It keeps
 * definitions what they are for, the same wherever they run; it is no prison for hostile code.
 */
export function guardImports({ entry, folders }: ImportBounds): void {
  const allowed = folders.map((folder) => withEnd(realPath(folder)));
  const [root = ''] = allowed;
  const entryUrl = pathToFileURL(realPath(entry)).href;
  const trusted = new Set<string>();
  const linked = new Set<string>();
  registerHooks({
    resolve(specifier, context, next): ResolveFnOutput {
      const found = next(specifier, context);
      const parent = context.parentURL ?? '';
      if (found.url === entryUrl) return found;
      if (trusted.has(parent) || isOwn(parent)) {
        trusted.add(found.url);
        return found;
      }
      const what = refusalOf(specifier, found, allowed);
      if (what !== null && isOfLinked({ specifier, parent, url: found.url }, linked)) return found;
      if (what !== null) throw refused(specifier, nameOf(parent, root), what);
      return found;
    },
  });
  closeOtherWays(root);
}

/** Why something may not be imported, in a few words; null where it may. */
function refusalOf(
  specifier: string,
  { url, format }: ResolveFnOutput,
  allowed: readonly string[],
): string | null {
  if (url.startsWith('node:')) return BUILTINS.has(url) ? null : WHAT_IT_DOES;
  if (!url.startsWith('file:')) return 'only files and installed packages are imported';
  const path = realPath(fileURLToPath(url));
  if (format === 'addon' || path.endsWith('.node')) return 'native code can do anything';
  // Of asof, only what it publishes: its own files may reach everything.
  if (path.startsWith(OWN_FOLDER)) {
    return /^asof(\/|$)/.test(specifier) ? null : 'it is a part of asof that is not published';
  }
  if (allowed.some((folder) => path.startsWith(folder))) return null;
  if (isPackage(path, allowed)) return null;
  return `it lies outside of the project, at ${path}`;
}

const WHAT_IT_DOES = 'definitions reach no files, processes or other machines';

/** Installed for the project, in its own folder or in one above it. */
function isPackage(path: string, allowed: readonly string[]): boolean {
  const at = path.indexOf(PACKAGES);
  if (at < 0) return false;
  const holder = withEnd(path.slice(0, at));
  return allowed.some((folder) => folder.startsWith(holder));
}

/**
 * A package that is linked into a `node_modules`, as workspaces are: by its name from anywhere, by
 * its files from its own, and what is installed for it.
 */
function isOfLinked(
  { specifier, parent, url }: { specifier: string; parent: string; url: string },
  linked: Set<string>,
): boolean {
  const path = pathOf(url);
  if (path === null || path.endsWith('.node') || path.startsWith(OWN_FOLDER)) return false;
  const from = pathOf(parent) ?? '';
  const own = [...linked].filter((folder) => from.startsWith(folder));
  if (own.some((folder) => path.startsWith(folder)) || isPackage(path, own)) return true;
  const isNamed = /^(@[\w.-]+\/)?\w[\w.-]*(\/|$)/.test(specifier);
  const folder = isNamed ? packageFolder(path) : null;
  if (folder === null) return false;
  linked.add(folder);
  return true;
}

function packageFolder(path: string): string | null {
  for (let folder = dirname(path); folder !== dirname(folder); folder = dirname(folder)) {
    if (existsSync(join(folder, 'package.json'))) return withEnd(folder);
  }
  return null;
}

function pathOf(url: string): string | null {
  return url.startsWith('file:') ? realPath(fileURLToPath(url)) : null;
}

/** What needs no import is closed too. */
function closeOtherWays(root: string): void {
  const closed = (name: string) => (): never => {
    throw refused(name, nameOf('', root), WHAT_IT_DOES);
  };
  for (const name of NETWORK) {
    Object.defineProperty(globalThis, name, { value: closed(name), configurable: false });
  }
  for (const name of ['getBuiltinModule', 'binding', 'dlopen', 'kill', 'loadEnvFile'] as const) {
    Object.defineProperty(process, name, { value: closed(`process.${name}`), configurable: false });
  }
}

function refused(specifier: string, from: string, what: string): AsofError {
  return new AsofError('forbidden_import', `${from} imports '${specifier}': ${what}.`, {
    path: from,
    remedy:
      'Bring values as a module or as JSON of the project; name other folders under "imports" in ' +
      'asof.json. See docs/definitions.md.',
  });
}

function isOwn(url: string): boolean {
  return url.startsWith('file:') && realPath(fileURLToPath(url)).startsWith(OWN_FOLDER);
}

function nameOf(url: string, root: string): string {
  if (!url.startsWith('file:')) return 'The definitions file';
  const path = fileURLToPath(url);
  const shown = relative(root, path);
  return shown.startsWith('..') ? path : shown;
}

/** Where a path leads, through every link; itself where nothing is there. */
function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return resolve(path);
  }
}

function withEnd(folder: string): string {
  return folder.endsWith(sep) ? folder : join(folder, sep);
}
