import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

interface LockedPackage {
  readonly version?: string;
  readonly resolved?: string;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

const root = join(import.meta.dirname, '..');
const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
  readonly packages: Readonly<Record<string, LockedPackage>>;
};

test('the lock file names every binary of every platform, or npm ci refuses it', () => {
  const missing: string[] = [];
  for (const [path, one] of Object.entries(lock.packages)) {
    for (const name of Object.keys(one.optionalDependencies ?? {})) {
      const places = [`node_modules/${name}`, `${path}/node_modules/${name}`];
      if (!places.some((place) => place in lock.packages)) missing.push(`${path}: ${name}`);
    }
  }
  assert.deepEqual(missing, []);
});

test('the lock file names no download address: a mirror serves as well', () => {
  const resolved = Object.values(lock.packages).filter((one) => one.resolved !== undefined);
  assert.deepEqual(resolved, []);
});

test('dependencies are pinned to exact versions', () => {
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    readonly dependencies: Readonly<Record<string, string>>;
    readonly devDependencies: Readonly<Record<string, string>>;
  };
  const loose = Object.entries({ ...manifest.dependencies, ...manifest.devDependencies }).filter(
    ([, range]) => !/^\d/.test(range),
  );
  assert.deepEqual(loose, []);
});
