import type { ProjectPlan } from './plan.ts';

/** Before anything is defined. */
export const NOTHING: ProjectPlan = {
  format: 1,
  sources: [],
  entities: [],
  groups: [],
  views: [],
  services: [],
  datasets: [],
  models: [],
  dashboards: [],
};
