import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';

export interface SourceFile {
  readonly path: string;
  readonly text: string;
  /** Project files that this one imports, by path; type imports and workers included. */
  readonly imports: readonly string[];
}

const IMPORT = /(?:from|import)\s*\(?\s*'(\.{1,2}\/[^']+)'/g;
const WORKER = /workerUrl\(\s*'(\.{1,2}\/[^']+)'/g;

/** Packages, and what a generator writes. */
const NOT_OURS = /node_modules|\/generated\//;

/** Every TypeScript file below the folders, with its imports. */
export function readModules(root: string, folders: readonly string[]): SourceFile[] {
  const files: SourceFile[] = [];
  for (const folder of folders) {
    for (const entry of readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })) {
      if (!entry.endsWith('.ts') || NOT_OURS.test(entry)) continue;
      const path = normalize(join(folder, entry));
      const text = readFileSync(join(root, path), 'utf8');
      files.push({ path, text, imports: importsOf(path, text) });
    }
  }
  return files.sort((a, b) => (a.path < b.path ? -1 : 1));
}

function importsOf(path: string, text: string): string[] {
  const code = withoutComments(text);
  const inFolder = (target: string): string => normalize(join(dirname(path), target));
  return [
    ...Array.from(code.matchAll(IMPORT), (match) => inFolder(match[1] ?? '')),
    ...Array.from(code.matchAll(WORKER), (match) => inFolder(`${match[1]}.ts`)),
  ];
}

/** Comments may name imports in examples; code alone counts. */
export function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '');
}

/** The first cycle found, as a path from a file back to itself, or null. */
export function findCycle(files: readonly SourceFile[]): string[] | null {
  const importsByPath = new Map(files.map((file) => [file.path, file.imports]));
  const done = new Set<string>();
  const stack: string[] = [];
  const visit = (path: string): string[] | null => {
    if (stack.includes(path)) return [...stack.slice(stack.indexOf(path)), path];
    if (done.has(path)) return null;
    stack.push(path);
    for (const next of importsByPath.get(path) ?? []) {
      const cycle = visit(next);
      if (cycle !== null) return cycle;
    }
    stack.pop();
    done.add(path);
    return null;
  };
  for (const file of files) {
    const cycle = visit(file.path);
    if (cycle !== null) return cycle;
  }
  return null;
}

/** Files that nothing reaches from the given roots. */
export function unreachableFrom(files: readonly SourceFile[], roots: readonly string[]): string[] {
  const importsByPath = new Map(files.map((file) => [file.path, file.imports]));
  const reached = new Set<string>();
  const queue = [...roots];
  for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
    if (reached.has(path)) continue;
    reached.add(path);
    queue.push(...(importsByPath.get(path) ?? []));
  }
  return files.map((file) => file.path).filter((path) => !reached.has(path));
}
