import { compareUtf8 } from '../../base/utf8-order.ts';
import type { NeighborMetric } from '../../plan/neighbor-form.ts';

export interface Found {
  readonly key: string;
  /** By the metric. */
  readonly value: number;
}

/** The nearest first; of equally near ones the one whose key comes first. */
export function closerFirst(metric: NeighborMetric): (a: Found, b: Found) => number {
  const sign = metric === 'distance' ? 1 : -1;
  return (a, b) => sign * (a.value - b.value) || compareUtf8(a.key, b.key);
}
