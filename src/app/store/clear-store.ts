import { AsofError } from '../../base/errors.ts';
import type { Config } from '../config.ts';
import { addressIn, DataDirectory } from '../data-directory.ts';
import { createLogger } from '../logger.ts';
import { openRows } from './open-rows.ts';

/**
 * Empties the online store of a project that no server runs of; false where one does, which has to
 * be asked. @throws AsofError `store_missing`, `directory_in_use`, and as the store
 */
export async function clearStore(config: Config): Promise<boolean> {
  if (addressIn(config.dataDir) !== null) return false;
  const { store } = config;
  if (store === null) throw new AsofError('store_missing', 'This project has no online store.');
  const directory = DataDirectory.open(config.dataDir);
  const rows = openRows(config, store, false, createLogger(config.logLevel));
  try {
    await rows.clear(await rows.acquire());
    return true;
  } finally {
    await rows.close();
    directory.close();
  }
}
