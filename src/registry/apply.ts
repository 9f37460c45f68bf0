import { AsofError } from '../base/errors.ts';
import { canonicalJson } from '../plan/canonical.ts';
import { diffPlans, type PlanDiff } from '../plan/diff.ts';
import type { ProjectPlan } from '../plan/plan.ts';
import { mergeScoped } from '../plan/scoped.ts';
import type { Applied } from './applied.ts';
import { applyNotes } from './apply-notes.ts';
import type { AuditBook } from './audit.ts';
import { noteChange } from './changes.ts';
import { conflictsWith } from './conflicts.ts';
import type { RegistryDatabase } from './database.ts';
import { definitionsOf } from './definition-rows.ts';
import type { LifecycleBook } from './lifecycle-book.ts';
import type { PlanBook } from './plan-book.ts';
import { portions } from './portions.ts';

export interface ApplyRequest {
  /** As it was compiled, with what the project imports of other namespaces. */
  readonly plan: ProjectPlan;
  readonly author: string;
  /** Whose definitions it replaces; null, or none said: those of all. */
  readonly namespaces?: readonly string[] | null;
  /**
   * The generation on which the change was looked at, 0 before the first: if something of the
   * namespaces was applied since then, nothing is. Nothing said: whatever is there is replaced.
   */
  readonly basedOn?: number;
}

export interface ApplyResult {
  readonly generation: number;
  readonly diff: PlanDiff;
}

/** What an apply needs of the registry that it is done in, within its transaction. */
export interface ApplyParts {
  readonly db: RegistryDatabase;
  /** Read in the same transaction. */
  readonly current: Applied | null;
  readonly plans: PlanBook;
  readonly lifecycle: LifecycleBook;
  readonly audit: AuditBook;
  readonly nowMs: number;
}

/**
 * Makes what is compiled the current definitions of its namespaces.
 * @throws AsofError `run_conflict`, `version_conflict`, or as `mergeScoped` finds
 */
export async function applyIn(
  { db, current, plans, lifecycle, audit, nowMs }: ApplyParts,
  { plan: compiled, author, namespaces = null, basedOn }: ApplyRequest,
): Promise<ApplyResult> {
  const { plan, issues: foreign } = mergeScoped(current?.plan ?? null, compiled, namespaces);
  const [first] = foreign;
  if (first !== undefined) {
    throw new AsofError(first.code, first.message, { path: first.path, issues: foreign });
  }
  const issues = [
    ...(await conflictsWith(db, current?.plan ?? null, plan)),
    ...(await lifecycle.refusals(plan, namespaces)),
  ];
  if (issues.length > 0) {
    throw new AsofError('version_conflict', 'The plan changes what versions mean.', { issues });
  }
  const diff = diffPlans(current?.plan ?? null, plan);
  const changes = await plans.changesTo(plan, current?.plan ?? null);
  if (current !== null && changes.come.length + changes.gone.length === 0) {
    return { generation: current.generation, diff };
  }
  if (basedOn !== undefined) await requireUnchanged(plans, current, namespaces, basedOn);
  const generation = (current?.generation ?? 0) + 1;
  await rememberMeanings(db, current?.plan ?? null, plan, nowMs);
  await plans.write(changes, generation);
  await db
    .insertInto('applies')
    .values({
      ...{ generation, author, applied_ms: nowMs, summary: canonicalJson(diff) },
      namespaces: namespaces === null ? null : canonicalJson(namespaces),
    })
    .execute();
  await noteChange(db, 'plan');
  await lifecycle.noteApplied(plan, { actor: author, nowMs });
  await audit.append(...applyNotes(diff, { generation, author, nowMs }));
  return { generation, diff };
}

async function requireUnchanged(
  plans: PlanBook,
  current: Applied | null,
  namespaces: readonly string[] | null,
  basedOn: number,
): Promise<void> {
  const newest = current?.generation ?? 0;
  const touched = namespaces === null ? newest : await plans.touched(namespaces);
  if (touched <= basedOn) return;
  const whose = namespaces === null ? '' : ` of ${namespaces.join(', ')}`;
  const text = `Definitions${whose} were applied meanwhile, as generation ${touched}.`;
  const remedy = 'Take over what was changed there, look at `asof plan` again, then apply.';
  throw new AsofError('run_conflict', text, { remedy });
}

/** What each `name@version` means is written down the first time, for ever. */
async function rememberMeanings(
  db: RegistryDatabase,
  before: ProjectPlan | null,
  plan: ProjectPlan,
  nowMs: number,
): Promise<void> {
  const known = new Set(before === null ? [] : definitionsOf(before).map(meaningOf));
  const rows = definitionsOf(plan).filter((one) => !known.has(meaningOf(one)));
  for (const some of portions(rows)) {
    await db
      .insertInto('definitions')
      .values(some.map((one) => ({ ...one, first_applied_ms: nowMs })))
      .onConflict((row) => row.doNothing())
      .execute();
  }
}

function meaningOf({ kind, name, version }: ReturnType<typeof definitionsOf>[number]): string {
  return `${kind} ${name}@${version}`;
}
