import { createHash } from 'node:crypto';
import { AsofError } from '../../base/errors.ts';
import { damagedHead } from './head-format.ts';

/** What each bucket says of its rows. */
export interface BucketControl {
  readonly generation: number;
  /** Counts how often the store was cleared; keys of others are of no concern. */
  readonly epoch: number;
  /** Up to where the bucket has published. */
  readonly commit: number;
  /** How many writes of the lease there were: one that the bucket forgets shows by it. */
  readonly mark: number;
  /** The head's hash, or null where nothing was published since the epoch began. */
  readonly hash: string | null;
}

const FORMAT = 1;
const NO_HEAD = '-';

/**
 * Reads `format generation epoch commit mark hash check`, as the function in Redis writes it.
 * @throws AsofError `newer_format`, `store_unavailable` where it is damaged
 */
export function parseControl(text: string): BucketControl {
  const parts = text.split(' ');
  const format = Number(parts[0]);
  if (format > FORMAT) {
    throw new AsofError('newer_format', `The online store has format ${format}, not ${FORMAT}.`);
  }
  const [, generation = 0, epoch = 0, commit = 0, mark = 0] = parts.slice(0, 5).map(Number);
  const control = { generation, epoch, commit, mark };
  const hash = parts[5] ?? '';
  const isWhole = Object.values(control).every((one) => Number.isSafeInteger(one) && one >= 0);
  if (format !== FORMAT || !isWhole || Number(parts[6]) !== checkOf(control)) throw damagedHead();
  return { ...control, hash: hash === NO_HEAD ? null : hash };
}

function checkOf(control: Omit<BucketControl, 'hash'>): number {
  const { generation, epoch, commit, mark } = control;
  const low = (generation % 65_521) * 30_011 + (epoch % 65_521) * 7_919;
  return (low + (commit % 65_521) * 40_503 + (mark % 65_521) * 104_729 + 257) % 65_536;
}

/** Tells two heads of one commit apart. */
export function headHash(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex').slice(0, 12);
}
