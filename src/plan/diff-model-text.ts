import type { Finding } from './compatibility.ts';
import { addExpectations, type Fields, findings } from './diff-fields.ts';
import type { DashboardPlan, ModelPlan } from './plan.ts';

/** What differs in what a model may read and expects. */
export function modelFindings(before: ModelPlan, after: ModelPlan): Finding[] {
  return findings(modelFields(before), modelFields(after), (label) =>
    label === 'service' || label === 'reads' ? 'model_reads_changed' : 'model_contract_changed',
  );
}

/** A model that is new: what it is held to. */
export function newModelSentences(model: ModelPlan): string[] {
  return [...modelFields(model)].map(([label, text]) => `${label}: ${text}`);
}

export function dashboardFindings(before: DashboardPlan, after: DashboardPlan): Finding[] {
  const ruleOf = () => 'dashboard_reads_changed' as const;
  return findings(dashboardFields(before), dashboardFields(after), ruleOf);
}

export function newDashboardSentences(dashboard: DashboardPlan): string[] {
  return [...dashboardFields(dashboard)].map(([label, text]) => `${label}: ${text}`);
}

function modelFields(model: ModelPlan): Fields {
  const fields = new Map([
    ['service', `${model.service}@${model.serviceVersion}`],
    ...trainedField(model),
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

function trainedField({ trainedOn }: ModelPlan): [string, string][] {
  return trainedOn === undefined
    ? []
    : [['trained on', `${trainedOn.dataset}@${trainedOn.version}`]];
}
