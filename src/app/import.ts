import { AsofError } from '../base/errors.ts';
import { didYouMean } from '../base/suggest.ts';
import {
  type ImportReport,
  type ImportRequest,
  importHistory,
} from '../batch/import/import-history.ts';
import { withBulkDoor } from './bulk-access.ts';
import type { Config } from './config.ts';
import { duckDbOptions } from './duckdb-options.ts';
import { openHistory } from './offline.ts';
import { tokenizerFor } from './privacy/token-keys.ts';
import { tellRun } from './tell-lineage.ts';
import { importRun } from './told-runs.ts';

export type ImportProjectRequest = Pick<
  ImportRequest,
  'input' | 'options' | 'dryRun' | 'signal' | 'onProgress'
> & { readonly source: string };

/**
 * Imports past events into a stream of a project, whether or not a server runs on it.
 * @throws AsofError `not_applied`, `unknown_source`, and as `importHistory`
 */
export function importProject(
  config: Config,
  request: ImportProjectRequest,
): Promise<ImportReport> {
  const work = () => importIn(config, request);
  if (request.dryRun) return work();
  const { input, source } = request;
  return tellRun(config, importRun(source, input.kind === 'files' ? input.paths : []), work);
}

function importIn(config: Config, request: ImportProjectRequest): Promise<ImportReport> {
  return withBulkDoor(config, async (door, plan) => {
    const source = plan.sources.find(({ name }) => name === request.source);
    if (source === undefined) {
      const names = plan.sources.map(({ name }) => name);
      throw new AsofError(
        'unknown_source',
        `No source is named '${request.source}'.${didYouMean(request.source, names)}`,
      );
    }
    return importHistory({
      ...request,
      door,
      source,
      openHistory: () => openHistory(config, plan),
      duckdb: {
        ...duckDbOptions(config),
        tokenizer: await tokenizerFor(config, { sources: [source] }),
      },
    });
  });
}
