import { type Issue, issue } from '../base/errors.ts';
import { diffPlans, type PlanDiff } from '../plan/diff.ts';
import type { ProjectPlan } from '../plan/plan.ts';
import { sourceConflicts } from '../plan/source-conflicts.ts';
import type { RegistryDatabase } from './database.ts';
import { type DefinitionRow, definitionsOf } from './definition-rows.ts';
import { PlanBook } from './plan-book.ts';
import { ReleaseBook } from './releases.ts';

/** What speaks against applying a plan, whatever namespaces it is of. */
export async function conflictsWith(
  db: RegistryDatabase,
  current: ProjectPlan | null,
  plan: ProjectPlan,
): Promise<Issue[]> {
  return [
    ...(await releasedAndGone(db, plan)),
    ...(await changedMeanings(db, current, plan)),
    ...(await changedSources(db, current, plan)),
  ];
}

/** A source that is again as a server has it changes nothing for anybody, whatever was applied since. */
async function changedSources(
  db: RegistryDatabase,
  current: ProjectPlan | null,
  plan: ProjectPlan,
): Promise<Issue[]> {
  const issues = sourceConflicts(current, plan);
  const served = issues.length === 0 ? 0 : await generationServed(db);
  if (served === 0) return issues;
  const { sources } = await new PlanBook(db).at(served);
  const hashes = new Map(sources.map(({ name, hash }) => [`sources.${name}`, hash]));
  const isAsServed = ({ path }: Issue): boolean =>
    plan.sources.some(({ name, hash }) => `sources.${name}` === path && hashes.get(path) === hash);
  return issues.filter((one) => !isAsServed(one));
}

/** The newest generation that a server has taken over, 0 before the first. */
export async function generationServed(db: RegistryDatabase): Promise<number> {
  const row = await db
    .selectFrom('takeovers')
    .select('generation')
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirst();
  return row?.generation ?? 0;
}

/**
 * Definitions of a plan whose `name@version` was applied with another meaning, now or ever before
 * (semantics §7), as issues.
 */
async function changedMeanings(
  db: RegistryDatabase,
  current: ProjectPlan | null,
  plan: ProjectPlan,
): Promise<Issue[]> {
  const rows = await db
    .selectFrom('definitions')
    .select(['kind', 'name', 'version', 'hash'])
    .execute();
  const known = new Map(rows.map((row) => [titleOf(row), row.hash]));
  const different = definitionsOf(plan).filter((definition) => {
    const hash = definition.version === 0 ? undefined : known.get(titleOf(definition));
    return hash !== undefined && hash !== definition.hash;
  });
  if (different.length === 0) return [];
  const diff = diffPlans(current, plan);
  return different.map((definition) => {
    const { cause, remedy } = causeOf(definition, diff);
    // A version that was ever applied is taken, even where it is gone.
    const taken = [...rows, ...definitionsOf(plan)].filter(
      ({ kind, name }) => kind === definition.kind && name === definition.name,
    );
    const next = Math.max(...taken.map(({ version }) => version)) + 1;
    return issue(
      'version_conflict',
      `${definition.kind}s.${definition.name}`,
      `${titleOf(definition)} was applied before with another meaning${cause}.`,
      `${remedy}Set version: ${next}, and keep the old one while a model reads it.`,
    );
  });
}

/** Versions that answer callers stay until another one does. */
async function releasedAndGone(db: RegistryDatabase, plan: ProjectPlan): Promise<Issue[]> {
  const releases = await new ReleaseBook(db).current();
  return releases.flatMap(({ service, live, canary }) =>
    [live, ...(canary === null ? [] : [canary])]
      .filter((version) => {
        return !plan.services.some((one) => one.name === service && one.version === version);
      })
      .map((version) =>
        issue(
          'version_conflict',
          `services.${service}`,
          `service ${service}@${version} is published, and is not defined any more.`,
          'Publish another version or roll back first; then it can go.',
        ),
      ),
  );
}

function titleOf({
  kind,
  name,
  version,
}: Pick<DefinitionRow, 'name' | 'version'> & {
  readonly kind: string;
}): string {
  return `${kind} ${name}@${version}`;
}

/** A view means what its source accepts: where that is what differs, it is named; so are functions. */
function causeOf(
  { kind, name, version }: DefinitionRow,
  { changes }: PlanDiff,
): { readonly cause: string; readonly remedy: string } {
  const change = changes.find(
    (one) => one.kind === kind && one.name === name && one.version === version,
  );
  const inherited = change?.sentences.filter((sentence) => sentence.startsWith('source ')) ?? [];
  if (inherited.length === 0) {
    const functions =
      change?.sentences.filter((sentence) => sentence.startsWith('function ')) ?? [];
    return { cause: functions.length === 0 ? '' : `: ${functions.join(', ')}`, remedy: '' };
  }
  const remedy = 'Take back what changed in the source, which is part of what its views mean. Or: ';
  return { cause: `: ${inherited.join(', ')}`, remedy };
}
