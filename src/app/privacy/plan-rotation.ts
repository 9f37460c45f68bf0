import { tokenizedColumns } from '../../plan/personal-columns.ts';
import type { ProjectPlan } from '../../plan/plan.ts';
import { namespaceOf } from '../../schema/types.ts';
import type { Config } from '../config.ts';
import { appliedPlan } from '../project.ts';
import { withRegistry } from '../with-registry.ts';

/** What holds tokens, and so would have to be written anew if the tokenization key were another. */
export interface RotationPlan {
  readonly sources: readonly {
    readonly source: string;
    readonly namespace: string;
    readonly columns: readonly string[];
    /** Whether the source's upstream still has the ids: then its rows can be made again from it. */
    readonly rebuilt: 'from upstream' | 'from tokens';
  }[];
  /** Views whose keys or values are tokens, with the tile groups that hold their state. */
  readonly views: readonly { readonly view: string; readonly groups: number }[];
  readonly services: readonly string[];
  readonly datasets: readonly string[];
}

/** @throws AsofError `not_applied` */
export async function planRotation(config: Config): Promise<RotationPlan> {
  const { plan } = await appliedPlan(config);
  const datasets = await withRegistry(config, async (registry) => registry.datasets.list());
  const services = tokenizedServices(plan);
  return {
    sources: plan.sources.flatMap((source) => {
      const columns = tokenizedColumns(source);
      if (columns.length === 0) return [];
      const from = source.origin?.from.kind ?? 'query';
      const rebuilt = from === 'query' ? 'from tokens' : 'from upstream';
      return [{ source: source.name, namespace: namespaceOf(source.name), columns, rebuilt }];
    }),
    views: viewsOf(plan),
    services,
    datasets: datasets
      .filter(({ service }) => services.includes(`${service.name}@${service.version}`))
      .map(({ name, number }) => `${name}@${number}`),
  };
}

function tokenizedServices({ services }: ProjectPlan): string[] {
  return services
    .filter(({ joinKeys }) => joinKeys.some(({ tokens }) => tokens !== undefined))
    .map(({ name, version }) => `${name}@${version}`);
}

function viewsOf({ views, groups }: ProjectPlan): RotationPlan['views'] {
  const tokenized = new Set(
    groups.filter((group) => group.tokenized !== undefined).map(({ id }) => id),
  );
  return views.flatMap(({ name, version, features }) => {
    const own = new Set(
      features.flatMap((feature) =>
        feature.kind === 'aggregate' && tokenized.has(feature.group) ? [feature.group] : [],
      ),
    );
    return own.size === 0 ? [] : [{ view: `${name}@${version}`, groups: own.size }];
  });
}
