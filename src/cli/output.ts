import { AsofError, type Issue } from '../base/errors.ts';
import { withoutSecrets } from '../base/secrets.ts';
import { errorColors as pc } from './colors.ts';

declare global {
  interface JSON {
    /** Text that `JSON.stringify` puts out as it is. */
    rawJSON(text: string): unknown;
  }
}

/** How a command speaks: text for people, or one JSON object as its last line. */
export interface Output {
  readonly json: boolean;
  /** A line for people; silent with `--json`. */
  say(line?: string): void;
  /** The result: with `--json` one line of JSON, else whatever `text` says. */
  finish(result: object, text?: () => void): void;
  /** A progress bar on a terminal; nothing elsewhere. */
  progress(label: string, total: number): Progress;
}

export interface Progress {
  update(done: number, note?: string): void;
  stop(): void;
}

const BAR_WIDTH = 28;
const BAR_WIDTH_MIN = 8;

export function createOutput(json: boolean): Output {
  const say = (line = ''): void => {
    if (!json) process.stdout.write(`${line}\n`);
  };
  return {
    json,
    say,
    finish: (result, text) => {
      if (json) process.stdout.write(`${stringifyExact(result)}\n`);
      else text?.();
    },
    progress: (label, total) => createProgress(label, total),
  };
}

/** JSON in which a bigint keeps every digit, as a bare number. */
export function stringifyExact(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) =>
    typeof part === 'bigint' ? JSON.rawJSON(String(part)) : part,
  );
}

function createProgress(label: string, total: number): Progress {
  const { stderr } = process;
  if (stderr.isTTY !== true) return { update: () => {}, stop: () => {} };
  let shown = '';
  return {
    update: (done, note = '') => {
      const line = progressLine(label, total > 0 ? done / total : null, note, stderr.columns);
      if (line === shown) return;
      shown = line;
      stderr.write(`\r\x1b[2K${line}`);
    },
    stop: () => {
      if (shown !== '') stderr.write('\r\x1b[2K');
      shown = '';
    },
  };
}

/** One line that never wraps, as a wrapped one cannot be drawn over; no bar if no end is known. */
export function progressLine(
  label: string,
  share: number | null,
  note: string,
  columns: number,
): string {
  const known = share === null ? null : Math.min(1, Math.max(0, share));
  const percent = known === null ? '' : `${String(Math.floor(known * 100)).padStart(3)} %`;
  const room = columns - label.length - percent.length - note.length - 4;
  const width = known === null ? 0 : Math.min(BAR_WIDTH, room);
  if (known === null || width < BAR_WIDTH_MIN) {
    return [label, percent, note]
      .filter(Boolean)
      .join(' ')
      .slice(0, columns - 1);
  }
  const full = Math.round(known * width);
  const bar = `${'█'.repeat(full)}${'░'.repeat(width - full)}`;
  return `${label} ${pc.cyan(bar)} ${percent} ${note}`;
}

export const EXIT = { ok: 0, failed: 1, usage: 2, changes: 3, refused: 4, stopped: 130 } as const;

/** What an apply refuses to do to those who read definitions. */
const REFUSED: ReadonlySet<string> = new Set([
  'version_conflict',
  'foreign_definition',
  'still_read',
  'plan_stale',
  'lifecycle_refused',
  'still_used',
]);

/** Says what went wrong, where, and what to do; returns the exit code. */
export function reportError(error: unknown, output: Output): number {
  const known = toAsofError(error);
  if (output.json) {
    process.stdout.write(`${withoutSecrets(stringifyExact({ error: known.toJSON() }))}\n`);
  } else {
    const lines = [`${pc.red(pc.bold('error'))} ${pc.bold(known.code)}: ${known.message}`];
    const { path } = known;
    const named = path === null || known.message.includes(path);
    if (!named && !known.issues.some((one) => one.path === path)) lines.push(`  at ${path}`);
    for (const one of known.issues) lines.push(...issueLines(one));
    if (known.issues.length === 0) lines.push(`  ${pc.green('→')} ${known.remedy}`);
    process.stderr.write(`${withoutSecrets(lines.join('\n'))}\n`);
  }
  if (known.code === 'usage') return EXIT.usage;
  return REFUSED.has(known.code) ? EXIT.refused : EXIT.failed;
}

function issueLines(one: Issue): string[] {
  return [
    `  ${pc.yellow('•')} ${pc.bold(one.path)}: ${one.message} ${pc.dim(`[${one.code}]`)}`,
    `    ${pc.green('→')} ${one.remedy}`,
  ];
}

function toAsofError(error: unknown): AsofError {
  if (error instanceof AsofError) return error;
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return new AsofError('internal', message, { cause: error });
}

export function table(rows: readonly (readonly string[])[]): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [at, cell] of row.entries()) widths[at] = Math.max(widths[at] ?? 0, cell.length);
  }
  return rows.map((row) =>
    row
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}

/** A span for people, to two digits or so: `850 ms`, `8.1 s`, `3.5 min`, `2.1 days`. */
export function span(spanMs: number): string {
  if (spanMs < 1_000) return `${Math.round(spanMs)} ms`;
  const units = [
    ['days', 86_400_000],
    ['h', 3_600_000],
    ['min', 60_000],
    ['s', 1_000],
  ] as const;
  const [name, unitMs] = units.find(([, one]) => spanMs >= one) ?? ['s', 1_000];
  return `${(spanMs / unitMs).toFixed(1)} ${name}`;
}

export function count(value: number): string {
  return value.toLocaleString('en-US').replaceAll(',', ' ');
}

/** A whole number from an option's text. @throws AsofError `usage` */
export function wholeNumber(name: string, text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && Number.isSafeInteger(value) && value >= 0) return value;
  throw new AsofError('usage', `--${name} takes a whole number, not '${text}'.`);
}

/** `JSON.parse` that keeps the text of each number which a double would change, to print it. */
export function parseExact(text: string): unknown {
  return JSON.parse(text, (_key, value: unknown, context?: { source?: string }) => {
    const source = context?.source;
    if (typeof value !== 'number' || source === undefined) return value;
    return String(value) === source ? value : JSON.rawJSON(source);
  });
}
