import type { ExprNode } from '../../src/expr/node.ts';
import type { FeaturePlan, ProjectPlan, ViewPlan } from '../../src/plan/plan.ts';

/** `direct` or `indirect`, by the first name of a column. */
export type NaiveColumns = Map<string, 'direct' | 'indirect'>;

/** The columns of the source that a feature comes from, by the letter of its definition. */
export function naiveColumns(plan: ProjectPlan, view: ViewPlan, name: string): NaiveColumns {
  const feature = view.features.find((one) => one.name === name);
  const columns: NaiveColumns = new Map();
  if (feature !== undefined) collect(plan, view, feature, columns);
  return columns;
}

function collect(
  plan: ProjectPlan,
  view: ViewPlan,
  feature: FeaturePlan,
  columns: NaiveColumns,
): void {
  if (feature.kind === 'derived') {
    for (const name of namesIn(feature.expr)) {
      const read = view.features.find((one) => one.name === name);
      if (read !== undefined) collect(plan, view, read, columns);
    }
    return;
  }
  const note = (
    how: 'direct' | 'indirect',
    names: readonly (string | null | undefined)[],
  ): void => {
    for (const name of names) {
      if (name && columns.get(name) !== 'direct') columns.set(name, how);
    }
  };
  const source = plan.sources.find((one) => one.name === view.source);
  const { eventTime, arrivalTime, id, changes, origin } = source ?? {};
  note('indirect', [eventTime, arrivalTime, id, changes?.column, changes?.sequence]);
  note('indirect', [origin?.unitBy, origin?.snapshot?.dayColumn, ...(origin?.key ?? [])]);
  note('indirect', Object.values(view.key));
  note('indirect', namesIn(view.filter));
  const group = plan.groups.find((one) => one.id === feature.group);
  for (const part of Object.values(feature.parts)) {
    const lane = group?.lanes[group.accumulators[part]?.lane ?? -1];
    note('direct', namesIn(lane?.measure ?? null));
    note('indirect', namesIn(lane?.filter ?? null));
  }
}

function namesIn(node: ExprNode | null): string[] {
  if (node === null || node.kind === 'literal') return [];
  return node.kind === 'column' ? [node.name] : node.args.flatMap((arg) => namesIn(arg));
}
