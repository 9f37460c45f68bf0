import { AsofError } from '../base/errors.ts';
import type { RemoteOptions } from './context.ts';

/** Options that say which dead letters are meant. */
export interface FilterOptions extends RemoteOptions {
  readonly code?: string;
  readonly from?: string;
  readonly to?: string;
  readonly id?: string;
}

const TIME = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,3})?)?Z)?$/;

/** The filter as the server's routes take it. @throws AsofError `usage` */
export function filterOf({ code, from, to, id }: FilterOptions): Record<string, string | number> {
  return {
    ...(code === undefined ? {} : { code }),
    ...(from === undefined ? {} : { fromMs: timeOf('from', from) }),
    ...(to === undefined ? {} : { toMs: timeOf('to', to) }),
    ...(id === undefined ? {} : { id }),
  };
}

export function queryOf(fields: Readonly<Record<string, string | number>>): string {
  const pairs = Object.entries(fields).map(([name, value]): [string, string] => [
    name,
    String(value),
  ]);
  return pairs.length === 0 ? '' : `?${new URLSearchParams(pairs)}`;
}

function timeOf(name: string, text: string): number {
  const timeMs = /^\d{11,15}$/.test(text) ? Number(text) : Date.parse(TIME.test(text) ? text : '');
  if (Number.isSafeInteger(timeMs) && timeMs >= 0) return timeMs;
  throw new AsofError('usage', `--${name} takes a time, not '${text}'.`, {
    remedy: 'Write a UTC day, 2026-01-31, or a time, 2026-01-31T12:00:00Z, or epoch milliseconds.',
  });
}
