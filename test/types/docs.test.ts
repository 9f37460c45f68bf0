import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { compileProject } from '../../src/plan/compile.ts';

const root = join(import.meta.dirname, '..', '..');

/** All TypeScript blocks of a page, as one file. */
function codeOf(page: string): string {
  const text = readFileSync(join(root, page), 'utf8');
  return Array.from(text.matchAll(/```ts\n([\s\S]*?)```/g), (match) => match[1]).join('\n');
}

test('the code of docs/definitions.md compiles, and its definitions make a plan', async () => {
  // Inside the project, so that the package finds itself by its own name.
  const folder = join(root, 'dist', 'docs-test');
  mkdirSync(folder, { recursive: true });
  try {
    const file = join(folder, 'definitions.ts');
    writeFileSync(file, codeOf('docs/definitions.md'));
    const config = { extends: '../../tsconfig.json', include: ['definitions.ts'] };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config));
    const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
    execFileSync(process.execPath, [compiler, '-p', folder], { encoding: 'utf8' });
    const module: Record<string, unknown> = await import(pathToFileURL(file).href);
    const plan = compileProject(Object.values(module));
    assert.deepEqual(
      plan.services.map((service) => service.name),
      ['checkout', 'fraud', 'fraud.checks'],
    );
    assert.equal(plan.services[1]?.features.length, 17);
    assert.deepEqual(
      plan.datasets.map((dataset) => dataset.name),
      ['fraud_from_file', 'fraud_from_query', 'fraud_training'],
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
