import { AsofError } from '../base/errors.ts';
import { CATALOGUE_KINDS, type CatalogueEntry } from './catalogue-entries.ts';

/** Behind which entry a page begins: told by what it is, so that it holds when others come or go. */
export interface Cursor {
  readonly rank: number;
  readonly name: string;
  readonly kind: CatalogueEntry['kind'];
}

export function writeCursor(rank: number, { name, kind }: CatalogueEntry): string {
  return Buffer.from(JSON.stringify([rank, name, kind])).toString('base64url');
}

/** @throws AsofError `bad_request` */
export function readCursor(text: string): Cursor {
  try {
    const parsed: unknown = JSON.parse(Buffer.from(text, 'base64url').toString());
    const [rank, name, kind] = Array.isArray(parsed) ? parsed : [];
    const known = CATALOGUE_KINDS.find((one) => one === kind);
    if (typeof rank === 'number' && typeof name === 'string' && known !== undefined) {
      return { rank, name, kind: known };
    }
  } catch {
    // What is no JSON is no cursor either.
  }
  throw new AsofError('bad_request', 'The cursor is not one of a page before.', {
    remedy: 'Leave it out to begin with the first page.',
  });
}
