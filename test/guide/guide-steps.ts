/** The steps of a page of docs/, as a reader would take them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The text of a page. */
export function pageOf(name: string): string {
  return readFileSync(join(import.meta.dirname, '..', '..', 'docs', name), 'utf8');
}

export type Step =
  | { readonly kind: 'file'; readonly name: string; readonly text: string; readonly more: boolean }
  | { readonly kind: 'commands'; readonly lines: readonly string[]; output: string | null };

/** Files, commands, and what commands print, in the order of the page. */
export function stepsOf(page: string): Step[] {
  const steps: Step[] = [];
  for (const [, info = '', text = ''] of page.matchAll(/^```(\S[^\n]*)\n([\s\S]*?)^```/gm)) {
    const [language, name = '', more] = info.split(' ');
    const last = steps.at(-1);
    if (info === 'sh guide') {
      steps.push({ kind: 'commands', lines: text.trimEnd().split('\n'), output: null });
    } else if (info === 'text' && last?.kind === 'commands' && last.output === null) {
      last.output = text;
    } else if (/^(ts|js|json)$/.test(language ?? '') && name !== '') {
      steps.push({ kind: 'file', name, text, more: more === '+' });
    } else throw new Error(`a block of the guide is no step: ${info}`);
  }
  return steps;
}

/**
 * The first line of the page that what was printed does not have; null if all of them are there, in
 * their order and with nothing between them but where a line says `…`.
 */
export function missingLine(shown: string, printed: string): string | null {
  const lines = shown.trimEnd().split('\n');
  const actual = printed.trimEnd().split('\n');
  let at = 0;
  let maySkip = false;
  for (const line of lines) {
    if (line.trim() === '…') {
      maySkip = true;
      continue;
    }
    const from = at;
    while (maySkip && at < actual.length && !isLike(line, actual[at] ?? '')) at += 1;
    if (at >= actual.length || !isLike(line, actual[at] ?? '')) {
      return `${line}\n  where there is: ${actual[from] ?? 'the end'}`;
    }
    at += 1;
    maySkip = false;
  }
  return at === actual.length || maySkip ? null : `the end\n  where there is: ${actual[at]}`;
}

/** Columns move with the widths of numbers, so any blank stands for any number of them. */
function isLike(shown: string, printed: string): boolean {
  const parts = shown.trim().split('…');
  const escaped = parts.map((part) =>
    part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&').replaceAll(/\s+/g, '\\s+'),
  );
  return new RegExp(`^${escaped.join('.*')}$`).test(printed.trim());
}
