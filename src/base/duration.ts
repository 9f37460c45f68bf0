import { AsofError } from './errors.ts';

const UNIT_MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const;

type Unit = keyof typeof UNIT_MS;

/** A span of time as people write it: `'500ms'`, `'5s'`, `'10m'`, `'3h'`, `'7d'`, `'2w'`. */
export type Duration = `${number}${Unit}`;

/**
 * Milliseconds of a duration; whole and positive.
 * @throws AsofError `invalid_duration`
 */
export function durationMs(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d|w)$/.exec(text);
  const [, digits, unit] = match ?? [];
  const spanMs = digits === undefined ? Number.NaN : Number(digits) * UNIT_MS[unit as Unit];
  if (!Number.isSafeInteger(spanMs) || spanMs <= 0) {
    throw new AsofError('invalid_duration', `'${text}' is not a duration of whole milliseconds.`, {
      remedy: "Write a number and a unit: '500ms', '5s', '10m', '3h', '7d' or '2w'.",
    });
  }
  return spanMs;
}

/** The shortest exact text of a span: 90 000 ms is `'90s'`. */
export function formatDuration(spanMs: number): string {
  for (const unit of ['w', 'd', 'h', 'm', 's'] as const) {
    if (spanMs >= UNIT_MS[unit] && spanMs % UNIT_MS[unit] === 0)
      return `${spanMs / UNIT_MS[unit]}${unit}`;
  }
  return `${spanMs}ms`;
}
