import { AsofError } from '../base/errors.ts';

/** `name=value` pairs of an option; without `=` the name stands for itself. */
export function pairsOf(
  option: string,
  texts: readonly string[],
): Readonly<Record<string, string>> {
  const pairs = texts.map((text) => {
    const at = text.indexOf('=');
    const name = (at < 0 ? text : text.slice(0, at)).trim();
    const value = (at < 0 ? text : text.slice(at + 1)).trim();
    if (name !== '' && value !== '') return [name, value] as const;
    throw new AsofError('usage', `--${option}: '${text}' is not name=value.`);
  });
  return Object.fromEntries(pairs);
}

const DAY = /^\d{4}-\d\d-\d\d$/;
const ZONED = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,3})?)?(Z|[+-]\d\d:\d\d)$/;

/** Epoch ms of a day (its beginning, UTC), a time with its zone, or epoch ms; null if not given. */
export function timeOption(option: string, text: string | undefined): number | null {
  if (text === undefined) return null;
  const isEpoch = /^\d{1,16}$/.test(text);
  const ms = isEpoch ? Number(text) : DAY.test(text) || ZONED.test(text) ? Date.parse(text) : NaN;
  if (Number.isSafeInteger(ms) && ms >= 0) return ms;
  throw new AsofError('usage', `--${option}: '${text}' is no time.`, {
    remedy: 'Write 2026-03-01, 2026-03-01T06:00:00Z, or epoch milliseconds.',
  });
}

export const PPM_PER_PERCENT = 10_000;
const WHOLE_PPM = 1_000_000;

/** `10%`, `0.5%`, in millionths; the whole only where it may be. @throws AsofError `usage` */
export function sharePpm(option: string, text: string, mayBeWhole: boolean): number {
  const percent = Number(/^(\d+(?:\.\d+)?)\s*%$/.exec(text)?.[1] ?? Number.NaN);
  const ppm = Math.round(percent * PPM_PER_PERCENT);
  if (ppm >= 1 && (percent < 100 || (mayBeWhole && ppm === WHOLE_PPM))) return ppm;
  throw new AsofError('usage', `--${option} takes a share such as 10%, not '${text}'.`);
}
