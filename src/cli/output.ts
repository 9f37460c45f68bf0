import pc from 'picocolors';
import { AsofError, type Issue } from '../base/errors.ts';

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
  if (process.stderr.isTTY !== true) return { update: () => {}, stop: () => {} };
  let shown = '';
  const draw = (done: number, note = ''): void => {
    const share = total > 0 ? Math.min(1, done / total) : 0;
    const full = Math.round(share * BAR_WIDTH);
    const bar = `${'█'.repeat(full)}${'░'.repeat(BAR_WIDTH - full)}`;
    const line = `${label} ${pc.cyan(bar)} ${String(Math.floor(share * 100)).padStart(3)} % ${note}`;
    if (line === shown) return;
    shown = line;
    process.stderr.write(`\r\x1b[2K${line}`);
  };
  return {
    update: draw,
    stop: () => {
      process.stderr.write('\r\x1b[2K');
    },
  };
}

export const EXIT = { ok: 0, failed: 1, usage: 2, changes: 3, refused: 4 } as const;

/** Says what went wrong, where, and what to do; returns the exit code. */
export function reportError(error: unknown, output: Output): number {
  const known = toAsofError(error);
  if (output.json) {
    process.stdout.write(`${stringifyExact({ error: known.toJSON() })}\n`);
  } else {
    const lines = [`${pc.red(pc.bold('error'))} ${pc.bold(known.code)}: ${known.message}`];
    if (known.path !== null && !known.message.includes(known.path))
      lines.push(`  at ${known.path}`);
    for (const one of known.issues) lines.push(...issueLines(one));
    if (known.issues.length === 0) lines.push(`  ${pc.green('→')} ${known.remedy}`);
    process.stderr.write(`${lines.join('\n')}\n`);
  }
  return known.code === 'usage' ? EXIT.usage : EXIT.failed;
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

export function count(value: number): string {
  return value.toLocaleString('en-US').replaceAll(',', ' ');
}

/** A whole number from an option's text. @throws AsofError `usage` */
export function wholeNumber(name: string, text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && Number.isSafeInteger(value) && value >= 0) return value;
  throw new AsofError('usage', `--${name} takes a whole number, not '${text}'.`);
}

/** `JSON.parse` in which integers beyond 2^53 are a bigint. */
export function parseExact(text: string): unknown {
  return JSON.parse(text, (_key, value: unknown, context?: { source?: string }) => {
    const source = context?.source;
    const isLong = typeof value === 'number' && !Number.isSafeInteger(value);
    return isLong && source !== undefined && /^-?\d+$/.test(source) ? BigInt(source) : value;
  });
}
