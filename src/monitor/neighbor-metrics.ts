import type { Registry } from 'prom-client';
import { ScrapedMetrics } from './scraped-metrics.ts';
import type { PlatformStatus } from './status.ts';

/** How large indexes of neighbors are, how far behind, and how much they find. */
export function neighborMetrics(
  registry: Registry,
): (status: Pick<PlatformStatus, 'neighbors'>) => void {
  const metrics = new ScrapedMetrics(registry);
  const labels = ['view', 'feature'];
  const vectors = metrics.gauge('asof_neighbor_vectors', 'Vectors in the index.', labels);
  const left = metrics.gauge(
    'asof_neighbor_vectors_left',
    'Vectors that found no room, and are not found.',
    labels,
  );
  const bytes = metrics.gauge('asof_neighbor_index_bytes', 'Memory of the index, about.', labels);
  const commit = metrics.gauge(
    'asof_neighbor_index_commit',
    'The commit that it contains all of; -1 while it is built.',
    labels,
  );
  const searches = metrics.counter('asof_neighbor_searches_total', 'Searches.', labels);
  const wanted = metrics.counter(
    'asof_neighbor_recall_wanted_total',
    'The ten nearest of each search that was done again exactly.',
    labels,
  );
  const found = metrics.counter(
    'asof_neighbor_recall_found_total',
    'Those of them that the index had found: divided by the wanted ones, its recall.',
    labels,
  );
  return ({ neighbors = [] }) => {
    metrics.reset();
    for (const one of neighbors) {
      const of = { view: `${one.view}@${one.version}`, feature: one.feature };
      vectors.set(of, one.vectors);
      left.set(of, one.left);
      bytes.set(of, one.bytes);
      commit.set(of, one.commit);
      searches.inc(of, one.searches);
      wanted.inc(of, one.sampled);
      found.inc(of, one.recalled);
    }
  };
}
