import type { Viewer } from '../registry/access/viewer.ts';

/** What views and features take, and who reads them. */
export interface CostPort {
  report(days: number, viewer: Viewer): Promise<object>;
}
