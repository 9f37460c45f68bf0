import { type Issue, issue } from '../base/errors.ts';
import { namespaceOf } from '../schema/types.ts';
import { diffPlans } from './diff.ts';
import type { ProjectPlan } from './plan.ts';
import { definitionId, definitionsIn } from './references.ts';

/**
 * Sources that change in a way that breaks, while something that reads them stays under its
 * version. Where a hash changes, that version is refused for itself; a column that a view does not
 * read is no part of its hash, and yet a row that is rejected for that column is lost to the view.
 */
export function sourceConflicts(current: ProjectPlan | null, plan: ProjectPlan): Issue[] {
  if (current === null) return [];
  const hashes = new Map(current.sources.map(({ name, hash }) => [name, hash]));
  // Sources are few, and most applies change none.
  if (plan.sources.every(({ name, hash }) => (hashes.get(name) ?? hash) === hash)) return [];
  const before = new Map(definitionsIn(current).map((one) => [one.id, one.hash]));
  const stays = definitionsIn(plan).filter(
    ({ id, kind, hash }) => kind !== 'source' && before.get(id) === hash,
  );
  const { changes } = diffPlans(
    { ...current, views: [], services: [], datasets: [], models: [], dashboards: [] },
    { ...plan, views: [], services: [], datasets: [], models: [], dashboards: [] },
  );
  return changes.flatMap(({ kind, name, class: worst, rules }) => {
    if (kind !== 'source' || worst !== 'breaking') return [];
    const id = definitionId('source', name, null);
    const readers = stays.filter(({ reads }) => reads.includes(id));
    if (readers.length === 0) return [];
    const breaking = rules.filter((one) => one.class === 'breaking');
    const differs = breaking.map(({ sentence }) => sentence).join('; ');
    return [
      issue(
        'version_conflict',
        `sources.${name}`,
        `source ${name} changes what rows are taken (${differs}), and ${readersText(name, readers)}.`,
        'Take the change back, or set the next version of all that reads the source.',
      ),
    ];
  });
}

/** By name in the source's own namespace; of others by their number, as not everybody may know them. */
function readersText(
  source: string,
  readers: readonly { readonly id: string; readonly name: string }[],
): string {
  const own = readers.filter(({ name }) => namespaceOf(name) === namespaceOf(source));
  const others = readers.length - own.length;
  const parts = own.map(({ id }) => id);
  if (others > 0) parts.push(others === 1 ? 'one of another namespace' : `${others} of others`);
  return `${parts.join(', ')} ${readers.length === 1 ? 'reads' : 'read'} it and ${
    readers.length === 1 ? 'stays' : 'stay'
  }`;
}
