import { addExpectations, changes, type Fields } from './diff-fields.ts';
import type { DashboardPlan, ModelPlan } from './plan.ts';

/** What differs in what a model may read and expects. */
export function modelSentences(before: ModelPlan, after: ModelPlan): string[] {
  return changes(modelFields(before), modelFields(after));
}

/** A model that is new: what it is held to. */
export function newModelSentences(model: ModelPlan): string[] {
  return [...modelFields(model)].map(([label, text]) => `${label}: ${text}`);
}

export function dashboardSentences(before: DashboardPlan, after: DashboardPlan): string[] {
  return changes(dashboardFields(before), dashboardFields(after));
}

export function newDashboardSentences(dashboard: DashboardPlan): string[] {
  return [...dashboardFields(dashboard)].map(([label, text]) => `${label}: ${text}`);
}

function modelFields(model: ModelPlan): Fields {
  const fields = new Map([
    ['service', `${model.service}@${model.serviceVersion}`],
    ['reads', model.reads.map(({ name }) => name).join(', ')],
    ['on violation', model.onViolation],
  ]);
  addExpectations(fields, model.expectations);
  return fields;
}

function dashboardFields({ reads }: DashboardPlan): Fields {
  const shown = reads.map(({ view, version, feature }) => `${view}@${version}.${feature}`);
  return new Map([['reads', shown.join(', ')]]);
}
