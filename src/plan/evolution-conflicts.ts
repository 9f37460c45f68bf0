import { type Issue, issue } from '../base/errors.ts';
import { columnsAt, newestVersion, presentName } from '../schema/evolution.ts';
import { type SourceSchema, sameType, typeText } from '../schema/types.ts';
import type { ProjectPlan } from './plan.ts';

/**
 * Schema versions are a history: producers send rows of them, and a column is logged under the name
 * that it had first. What was declared of a column that is still there does not change.
 */
export function evolutionConflicts(before: ProjectPlan | null, after: ProjectPlan): Issue[] {
  return after.sources.flatMap((source) => {
    const earlier = before?.sources.find(({ name }) => name === source.name);
    return earlier === undefined ? [] : [...conflictsOf(earlier, source)];
  });
}

function* conflictsOf(before: SourceSchema, after: SourceSchema): Iterable<Issue> {
  const path = (column: string): string => `sources.${after.name}.columns.${column}`;
  for (const column of after.columns) {
    const name = presentName(column);
    const was = before.columns.find((one) => presentName(one) === name);
    if (was === undefined || was.name === column.name) continue;
    const message = `'${name}' of '${after.name}' was '${was.name}' at first; without that rename it is another column, with no past.`;
    const remedy = 'Declare the rename again: schema versions stay as they were.';
    yield issue('version_conflict', path(name), message, remedy);
  }
  const newest = newestVersion(before);
  if (newestVersion(after) < newest) {
    const message = `'${after.name}' had ${newest} schema versions, and now it has ${newestVersion(after)}.`;
    const remedy = 'Declare them as they were; add another one for what changes now.';
    yield issue('version_conflict', `sources.${after.name}.evolution`, message, remedy);
    return;
  }
  for (let version = 1; version <= newest; version += 1) {
    const [old, now] = [before, after].map(
      (source) =>
        new Map(columnsAt(source, version)?.map((one) => [source.columns[one.index]?.name, one])),
    );
    for (const column of after.columns) {
      const known = before.columns.find(({ name }) => name === column.name);
      if (known === undefined) continue;
      const [was, is] = [old?.get(column.name), now?.get(column.name)];
      if (was?.name === is?.name && isSameType(was, is)) continue;
      const told = (one: typeof was): string =>
        one === undefined ? 'not there' : `'${one.name}', ${typeText(one.type)}`;
      const message = `In version ${version} of '${after.name}', '${presentName(column)}' was ${told(was)}, and now it is ${told(is)}.`;
      const remedy = 'Declare it as it was; add another version for what changes now.';
      yield issue('version_conflict', path(presentName(column)), message, remedy);
      break;
    }
  }
}

type Typed = { readonly type: Parameters<typeof sameType>[0] } | undefined;

function isSameType(a: Typed, b: Typed): boolean {
  return a === undefined || b === undefined ? a === b : sameType(a.type, b.type);
}
