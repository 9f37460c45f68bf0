import { AsofError } from './errors.ts';

const UNIT_BYTES = { KB: 1024, MB: 1024 ** 2, GB: 1024 ** 3, TB: 1024 ** 4 } as const;

type Unit = keyof typeof UNIT_BYTES;

/** An amount of memory as people write it, in powers of 1024: `'64KB'`, `'512MB'`, `'1.5GB'`. */
export type ByteSize = `${number}${Unit}`;

/**
 * Bytes of a size; whole and positive.
 * @throws AsofError `invalid_definition`
 */
export function bytesOf(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(KB|MB|GB|TB)$/.exec(text);
  const [, digits, unit] = match ?? [];
  const bytes = digits === undefined ? Number.NaN : Number(digits) * UNIT_BYTES[unit as Unit];
  if (!Number.isSafeInteger(bytes) || bytes <= 0) {
    throw new AsofError('invalid_definition', `'${text}' is not a size of whole bytes.`, {
      remedy: "Write a number and a unit: '64KB', '512MB' or '2GB'.",
    });
  }
  return bytes;
}

/** A size to at most three digits, for people: `1.5 GB`. */
export function formatBytes(bytes: number): string {
  for (const unit of ['TB', 'GB', 'MB', 'KB'] as const) {
    if (bytes < UNIT_BYTES[unit]) continue;
    const amount = bytes / UNIT_BYTES[unit];
    return `${amount >= 1000 ? Math.round(amount) : Number(amount.toPrecision(3))} ${unit}`;
  }
  return `${bytes} B`;
}
