import type { CostPort } from '../../http/cost-port.ts';
import { type CostWorld, gatherCost } from './cost-facts.ts';
import { costReport } from './cost-report.ts';

/** What a viewer may know of: lines of its namespaces; what all would save is of all. */
export function costPort(world: CostWorld): CostPort {
  return {
    report: async (days, viewer) => {
      const { views, features, saved, ...rest } = costReport(await gatherCost(world, days));
      // `service fraud.checks@1`
      const mayKnow = (reader: string): boolean =>
        viewer.mayRead(reader.slice(reader.indexOf(' ') + 1));
      const mayRead = ({ view }: { readonly view: string }): boolean => viewer.mayRead(view);
      return {
        ...rest,
        views: views.filter(mayRead),
        features: features
          .filter(mayRead)
          .map((one) => ({ ...one, usedBy: one.usedBy.filter(mayKnow) })),
        saved: viewer.readsAll ? saved : null,
      };
    },
  };
}
