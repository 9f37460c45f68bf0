import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { AsofError } from '../../base/errors.ts';
import { sqlString } from '../../ingest/archive-relation.ts';
import type { DuckDbSession } from '../../ingest/duckdb-session.ts';
import { hivePartition } from './hive.ts';
import type { FilesFrom, UpstreamFile } from './upstream-file.ts';

const REMOTE = /^(s3|s3a|s3n|gs|gcs|r2|https?|hf):\/\//;
const EXTENSION = 'httpfs.duckdb_extension';

export function isRemote(path: string): boolean {
  return REMOTE.test(path);
}

export interface RemoteFilesOptions {
  readonly session: DuckDbSession;
  /** The folder that holds DuckDB's extensions; null where none is configured. */
  readonly extensions: string | null;
  /** Statements that give httpfs its credentials, from the environment. */
  readonly settings: readonly string[];
}

/** Files that DuckDB reads over HTTP, by its own extension: one for each DuckDB version. */
export class RemoteFiles {
  readonly #options: RemoteFilesOptions;
  #isLoaded = false;

  constructor(options: RemoteFilesOptions) {
    this.#options = options;
  }

  /** @throws AsofError `extension_missing`, `source_unreachable` */
  async list(path: string, from: FilesFrom): Promise<UpstreamFile[]> {
    const { session } = this.#options;
    await this.#load(path);
    try {
      const rows = await session.rows(
        `SELECT filename, size, epoch_ms(last_modified) FROM read_blob(${sqlString(path)}) ORDER BY filename`,
      );
      return rows.map(([filename, size, modifiedMs]) => {
        const name = String(filename);
        const print = `${size}:${modifiedMs}`;
        return { name, path: name, hive: hivePartition(name, from.hive), print, changedMs: null };
      });
    } catch (cause) {
      const words = cause instanceof Error ? cause.message : String(cause);
      throw new AsofError('source_unreachable', `'${path}' could not be listed: ${words}`, {
        path,
        remedy: 'Check the address and the credentials in the environment.',
        cause,
      });
    }
  }

  async #load(path: string): Promise<void> {
    if (this.#isLoaded) return;
    const { session, extensions, settings } = this.#options;
    const file = extensions === null ? null : extensionFile(extensions);
    if (file === null) {
      const where = extensions === null ? 'no folder is configured' : `${extensions} has none`;
      throw new AsofError('extension_missing', `'${path}' needs DuckDB's ${EXTENSION}: ${where}.`, {
        path,
      });
    }
    try {
      await session.run(`LOAD ${sqlString(file)}`);
    } catch (cause) {
      const words = cause instanceof Error ? cause.message : String(cause);
      throw new AsofError('extension_missing', `${file} could not be loaded: ${words}`, {
        path: file,
        cause,
      });
    }
    for (const statement of settings) await session.run(statement);
    this.#isLoaded = true;
  }
}

/** In the folder itself, or below it as DuckDB lays its extensions out. */
function extensionFile(folder: string): string | null {
  const direct = join(folder, EXTENSION);
  if (existsSync(direct)) return direct;
  if (!existsSync(folder)) return null;
  const nested = readdirSync(folder, { recursive: true, encoding: 'utf8' }).find((path) =>
    path.endsWith(EXTENSION),
  );
  return nested === undefined ? null : join(folder, nested);
}
