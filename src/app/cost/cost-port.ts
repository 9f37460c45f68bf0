import type { CostPort } from '../../http/cost-routes.ts';
import { type CostWorld, gatherCost } from './cost-facts.ts';
import { costReport } from './cost-report.ts';

/** What a viewer may know of: lines of its namespaces; what all would save is of all. */
export function costPort(world: CostWorld): CostPort {
  return {
    report: async (days, viewer) => {
      const { views, features, saved, ...rest } = costReport(await gatherCost(world, days));
      const mayRead = ({ view }: { readonly view: string }): boolean => viewer.mayRead(view);
      return {
        ...rest,
        views: views.filter(mayRead),
        features: features.filter(mayRead),
        saved: viewer.readsAll ? saved : null,
      };
    },
  };
}
