import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { ManualClock } from '../base/clock.ts';
import { AsofError } from '../base/errors.ts';
import { OfflineCatalog } from './offline-catalog.ts';
import type { NewPart } from './offline-partition.ts';

export function folder(context: TestContext): string {
  const made = mkdtempSync(join(tmpdir(), 'asof-catalog-'));
  context.after(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

export function open(
  context: TestContext,
  dataDir: string,
  clock = new ManualClock(1000),
): OfflineCatalog {
  const catalog = OfflineCatalog.open(dataDir, clock);
  context.after(() => catalog.close());
  return catalog;
}

export function part(path: string | null, rows = 1): NewPart {
  return {
    path,
    rows,
    bytes: 10,
    checksum: 'ab',
    fromCommit: 0,
    throughCommit: 5,
    fingerprint: null,
    details: {},
    state: 'provisional',
  };
}

export const codeOf = (work: () => unknown): string => {
  try {
    work();
  } catch (error) {
    return error instanceof AsofError ? error.code : String(error);
  }
  return 'none';
};
