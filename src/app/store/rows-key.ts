import { randomBytes, timingSafeEqual } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { AsofError } from '../../base/errors.ts';

const KEY_FILE = 'online.key';

/** What readers prove themselves by to the primary: whoever can read the data directory has it. */
export function makeRowsKey(dataDir: string): string {
  const path = join(dataDir, KEY_FILE);
  if (!existsSync(path)) {
    writeFileSync(path, `${randomBytes(32).toString('hex')}\n`, { mode: 0o600 });
  }
  return readFileSync(path, 'utf8').trim();
}

/** Null where the directory is not here, or has no primary yet. */
export function rowsKeyIn(dataDir: string): string | null {
  try {
    return readFileSync(join(dataDir, KEY_FILE), 'utf8').trim() || null;
  } catch {
    return null;
  }
}

/** @throws AsofError `unauthenticated` */
export function requireRowsKey(key: string, given: string): void {
  const [a, b] = [Buffer.from(key), Buffer.from(given)];
  if (key !== '' && a.length === b.length && timingSafeEqual(a, b)) return;
  throw new AsofError('unauthenticated', 'Rows are for readers that have the key of the store.');
}
