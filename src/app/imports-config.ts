import { resolve } from 'node:path';
import { type Issue, issue } from '../base/errors.ts';

/** `imports` of asof.json: folders, relative to it, from which definitions may import too. */
export function readImports(
  value: unknown,
  root: string,
): { readonly imports: readonly string[]; readonly issues: readonly Issue[] } {
  const isText = (one: unknown): one is string => typeof one === 'string' && one !== '';
  if (Array.isArray(value) && value.every(isText)) {
    return { imports: value.map((one) => resolve(root, one)), issues: [] };
  }
  const shown = JSON.stringify(value);
  const remedy = 'It must be a list of folders, such as ["../shared"].';
  return {
    imports: [],
    issues: [issue('invalid_config', 'imports', `imports is ${shown}.`, remedy)],
  };
}
