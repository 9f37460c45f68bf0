import type { PlanDiff } from '../plan/diff.ts';
import { namespaceOf } from '../schema/types.ts';
import type { AuditNote } from './audit.ts';

/** What an apply changed, an entry of the audit for each namespace that it touched. */
export function applyNotes(
  { changes }: PlanDiff,
  {
    generation,
    author,
    nowMs,
  }: { readonly generation: number; readonly author: string; readonly nowMs: number },
): AuditNote[] {
  const byNamespace = Map.groupBy(changes, ({ name }) => namespaceOf(name));
  return [...byNamespace].map(([namespace, touched]) => {
    const titles = Map.groupBy(touched, ({ change }) => change);
    return {
      ...{ atMs: nowMs, actor: author, action: 'definitions.apply', namespace },
      target: `generation ${generation}`,
      outcome: 'done',
      details: Object.fromEntries(
        [...titles].map(([change, list]) => [
          change,
          list.map(({ kind, name, version }) =>
            version === null ? `${kind} ${name}` : `${kind} ${name}@${version}`,
          ),
        ]),
      ),
    };
  });
}
