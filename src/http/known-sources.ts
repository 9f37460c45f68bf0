import { AsofError } from '../base/errors.ts';
import { didYouMean } from '../base/suggest.ts';
import type { Viewer } from '../registry/access/viewer.ts';

/** @throws AsofError `unknown_source`, with suggestions only from what the viewer may know of */
export function requireSource(source: string, known: Iterable<string>, viewer: Viewer): void {
  const names = [...known];
  if (names.includes(source) && viewer.mayRead(source)) return;
  throw unknownSource(
    source,
    names.filter((name) => viewer.mayRead(name)),
  );
}

export function unknownSource(source: string, known: Iterable<string>): AsofError {
  const hint = didYouMean(source, known);
  return new AsofError('unknown_source', `There is no source '${source}'.${hint}`, {
    path: 'source',
  });
}
