import { count, sum } from '../../src/define/aggregate.ts';
import { int64, string, timestamp } from '../../src/define/column.ts';
import { entity } from '../../src/define/entity.ts';
import { service } from '../../src/define/service.ts';
import { stream } from '../../src/define/stream.ts';
import { view } from '../../src/define/view.ts';
import { sliding } from '../../src/define/window.ts';
import { compileProject } from '../../src/plan/compile.ts';
import type { ProjectPlan } from '../../src/plan/plan.ts';

/** What a project of one namespace defines. */
export interface ProjectShape {
  readonly namespace: string;
  /** Versions of its views, by their plain names. */
  readonly views: Readonly<Record<string, number>>;
  /** Hours of a window, by which its views mean something else under the same version. */
  readonly hours?: number;
  readonly owner?: string;
  readonly description?: string;
  readonly tags?: readonly string[];
}

/** Each view over the namespace's events, in windows that depend on its version, and a service. */
export function projectOf(shape: ProjectShape): ProjectPlan {
  return compileProject(definitionsOf(shape));
}

export function definitionsOf({
  namespace,
  views,
  hours = 0,
  owner = 'team',
  description = 'spent by card',
  tags = [],
}: ProjectShape): unknown[] {
  const card = entity(`${namespace}.card`, { keys: { card: string() } });
  const payments = stream(`${namespace}.payments`, {
    columns: { card: string(), amount: int64(), at: timestamp() },
    eventTime: 'at',
    owner,
  });
  const all = Object.entries(views).map(([name, version]) =>
    view(`${namespace}.${name}`, {
      version,
      source: payments,
      entity: card,
      key: { card: 'card' },
      owner,
      description,
      tags: [...tags],
      features: (payment) => ({
        [`${name}_spent`]: sum(payment.amount).over(sliding(`${version + hours}h`)),
        [`${name}_payments`]: count().over(sliding(`${version}d`)),
      }),
    }),
  );
  const services = all.map((one) =>
    service(one.name, {
      version: views[one.name.slice(namespace.length + 1)] ?? 1,
      features: [one.all()],
    }),
  );
  return [card, payments, ...all, ...services];
}
