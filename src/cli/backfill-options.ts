import type { BackfillRequest } from '../app/backfill.ts';
import { bytesOf } from '../base/byte-size.ts';
import { AsofError } from '../base/errors.ts';
import type { CommonOptions } from './context.ts';
import { count, type Output, span, wholeNumber } from './output.ts';

/** What backfill and reconcile have in common. */
export interface LimitOptions extends CommonOptions {
  readonly all?: boolean;
  readonly dryRun?: boolean;
  readonly memory?: string;
  readonly threads?: string;
  readonly rate?: string;
  readonly window?: string;
  readonly quota?: string;
  readonly force?: boolean;
}

/** @throws AsofError `usage`, `invalid_definition` */
export function limitsOf(
  options: LimitOptions,
): Omit<BackfillRequest, 'selector' | 'kind' | 'signal' | 'onProgress'> {
  const number = (name: string, text: string | undefined): number | null =>
    text === undefined ? null : atLeastOne(name, text);
  return {
    from: null,
    through: null,
    memoryBytes: options.memory === undefined ? null : bytesOf(options.memory),
    threads: number('threads', options.threads),
    rowsPerSecond: number('rate', options.rate),
    offPeak: options.window ?? null,
    quota: options.quota === undefined ? {} : quotaOf(options.quota),
    force: options.force === true,
  };
}

function atLeastOne(name: string, text: string): number {
  const value = wholeNumber(name, text);
  if (value > 0) return value;
  throw new AsofError('usage', `--${name} takes a whole number of at least 1, not '${text}'.`);
}

function quotaOf(text: string): BackfillRequest['quota'] {
  const quota: { rowsPerDay?: number; bytes?: number } = {};
  for (const part of text.split(',')) {
    const [name, bound = ''] = part.split('=');
    if (name === 'rows') quota.rowsPerDay = atLeastOne('quota rows', bound);
    else if (name === 'bytes') quota.bytes = /^\d+$/.test(bound) ? Number(bound) : bytesOf(bound);
    else throw new AsofError('usage', `--quota takes rows=… and bytes=…, not '${part}'.`);
  }
  return quota;
}

/** Runs with a bar, and with a signal that SIGINT fires. */
export async function withBar<T>(
  output: Output,
  label: string,
  work: (ways: Pick<BackfillRequest, 'signal' | 'onProgress'>) => Promise<T>,
): Promise<{ readonly result: T; readonly stopped: boolean }> {
  const bar = output.progress(label, 1);
  const abort = new AbortController();
  const stop = (): void => abort.abort(new Error('SIGINT'));
  process.once('SIGINT', stop);
  let said: string | null = null;
  try {
    const result = await work({
      signal: abort.signal,
      onProgress: ({ rowsDone, rowsTotal, remainingMs, waiting }) => {
        const note = waiting ?? (remainingMs === null ? '' : `${span(remainingMs)} left`);
        const rows = `${count(rowsDone)} of ${count(rowsTotal)} rows`;
        bar.update(rowsTotal === 0 ? 1 : rowsDone / rowsTotal, `${rows} ${note}`.trim());
        if (waiting !== null && waiting !== said) output.say(`  ${waiting}`);
        said = waiting;
      },
    });
    return { result, stopped: abort.signal.aborted };
  } finally {
    bar.stop();
    process.off('SIGINT', stop);
  }
}
