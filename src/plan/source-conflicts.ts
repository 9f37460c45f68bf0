import { type Issue, issue } from '../base/errors.ts';
import { presentName } from '../schema/evolution.ts';
import { namespaceOf } from '../schema/types.ts';
import { canonicalJson } from './canonical.ts';
import { diffPlans } from './diff.ts';
import type { ProjectPlan, SourcePlan } from './plan.ts';
import { presentNamesIn } from './present-names.ts';
import { definitionId, definitionsIn, type PlannedDefinition } from './references.ts';

/**
 * Sources that change in a way that breaks, while something that reads them stays under its
 * version. Where a hash changes, that version is refused for itself; a column that a view does not
 * read is no part of its hash, and yet a row that is rejected for that column is lost to the view.
 */
export function sourceConflicts(current: ProjectPlan | null, plan: ProjectPlan): Issue[] {
  if (current === null) return [];
  const known = new Map(current.sources.map((one) => [one.name, one]));
  // Sources are few, and most applies change none.
  if (plan.sources.every((one) => isSame(known.get(one.name) ?? one, one))) return [];
  const before = new Map(definitionsIn(current).map((one) => [one.id, one.hash]));
  const same = definitionsIn(plan).filter(({ id, hash }) => before.get(id) === hash);
  const stays = same.filter(({ kind }) => kind !== 'source');
  const { changes } = diffPlans(
    { ...current, views: [], services: [], datasets: [], models: [], dashboards: [] },
    { ...plan, views: [], services: [], datasets: [], models: [], dashboards: [] },
  );
  return changes.flatMap(({ kind, name, class: worst, rules }) => {
    if (kind !== 'source') return [];
    if (worst !== 'breaking') return formerNameIssues(name, current, plan, same);
    const id = definitionId('source', name, null);
    const readers = stays.filter(({ reads }) => reads.includes(id));
    if (readers.length === 0) return [];
    const breaking = rules.filter((one) => one.class === 'breaking');
    const differs = [...new Set(breaking.map(({ sentence }) => sentence))].join('; ');
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

/** In all but how it is described; names of columns and how rows are read are no part of a hash. */
function isSame(before: SourcePlan, after: SourcePlan): boolean {
  const parts = ({ hash, columns, origin }: SourcePlan) =>
    canonicalJson({ hash, names: columns.map(presentName), origin });
  return before === after || parts(before) === parts(after);
}

/** SQL names columns as they are called now: it would fail on those that get other names. */
function formerNameIssues(
  source: string,
  current: ProjectPlan,
  plan: ProjectPlan,
  stays: readonly PlannedDefinition[],
): Issue[] {
  const [before, after] = [current, plan].map((one) => presentNamesIn(source, one));
  const former = [...(before ?? [])].filter(([first, name]) => after?.get(first) !== name);
  if (former.length === 0) return [];
  const queries = new Map(queriesOn(source, plan));
  return former.flatMap(([first, name]) => {
    const mention = new RegExp(`(^|[^a-z0-9_])${name}($|[^a-z0-9_])|(select|,|\\.)\\s*\\*`, 'i');
    const readers = stays.filter(({ id }) => mention.test(queries.get(id) ?? ''));
    if (readers.length === 0) return [];
    const renamed = `column ${name} renamed to ${after?.get(first) ?? first}`;
    return [
      issue(
        'version_conflict',
        `sources.${source}`,
        `source ${source}: ${renamed}, and ${readersText(source, readers)} with SQL that names columns as they were.`,
        'Write the SQL with the new name, under the next versions of what reads its rows; or add a column beside the old one.',
      ),
    ];
  });
}

function* queriesOn(source: string, plan: ProjectPlan): Generator<[id: string, sql: string]> {
  const reads = (upstreams: Readonly<Record<string, string>>): boolean =>
    Object.values(upstreams).includes(source);
  for (const { name, origin } of plan.sources) {
    if (origin?.from.kind !== 'query' || !reads(origin.from.upstreams)) continue;
    yield [definitionId('source', name, null), origin.from.sql];
  }
  for (const { name, version, spine } of plan.datasets) {
    if (spine.kind !== 'query' || !reads(spine.upstreams)) continue;
    yield [definitionId('dataset', name, version), spine.sql];
  }
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
