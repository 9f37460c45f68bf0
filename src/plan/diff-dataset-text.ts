import { formatDuration } from '../base/duration.ts';
import { exprText } from '../expr/text.ts';
import { type Finding, prefixed, type RuleName } from './compatibility.ts';
import { type Fields, findings } from './diff-fields.ts';
import { upstreamFindings } from './diff-source-text.ts';
import { newViewSentences, viewFindings } from './diff-text.ts';
import type { DatasetPlan, LabelPlan, ProjectPlan, SpinePlan } from './plan.ts';
import { type PresentNames, presentNamesIn, withPresentNames } from './present-names.ts';

/** What differs in what a dataset means, itself and in what it reads. */
export function datasetFindings(
  before: DatasetPlan,
  beforePlan: ProjectPlan,
  after: DatasetPlan,
  afterPlan: ProjectPlan,
): Finding[] {
  const namesOf = ({ spine }: DatasetPlan) =>
    spine.kind === 'events' ? presentNamesIn(spine.source, afterPlan, beforePlan) : new Map();
  const found = findings(
    datasetFields(before, namesOf(before)),
    datasetFields(after, namesOf(after)),
    ruleOf,
  );
  const names = new Set([...before.labels, ...after.labels].map(({ name }) => name));
  for (const name of [...names].sort()) {
    const [old, now] = [before, after].map(({ labels }) => labels.find((one) => one.name === name));
    const rule = 'label_changed';
    if (old === undefined) found.push({ rule, sentence: `label ${name} added` });
    else if (now === undefined) found.push({ rule, sentence: `label ${name} removed` });
    else {
      const plans = [withGroups(beforePlan, old), withGroups(afterPlan, now)] as const;
      const fields = findings(labelFields(old), labelFields(now), () => rule);
      const view = viewFindings(old.view, plans[0], now.view, plans[1]).map(
        ({ rule: told, sentence }) => ({ rule: told, sentence }),
      );
      found.push(...prefixed(`label ${name} `, [...fields, ...view]));
    }
  }
  const [old, now] = [sourcesOf(before.spine), sourcesOf(after.spine)];
  return [...found, ...upstreamFindings(old, beforePlan, now, afterPlan)];
}

const KNOWN_LABELS = ['known', 'serving delay', 'statuses'];

function ruleOf(label: string): RuleName {
  return KNOWN_LABELS.includes(label) ? 'dataset_known_changed' : 'dataset_rows_changed';
}

function sourcesOf(spine: SpinePlan): string[] {
  if (spine.kind === 'events') return [spine.source];
  return spine.kind === 'query' ? Object.values(spine.upstreams) : [];
}

/** A dataset that is new: its rows, its labels, and what may have been known. */
export function newDatasetSentences(dataset: DatasetPlan, plan: ProjectPlan): string[] {
  const { spine } = dataset;
  const names = spine.kind === 'events' ? presentNamesIn(spine.source, plan) : new Map();
  const fields = [...datasetFields(dataset, names)].map(([label, text]) => `${label}: ${text}`);
  const labels = dataset.labels.map((label) => {
    const [feature = ''] = newViewSentences(label.view, withGroups(plan, label));
    const delay = label.delayMs === 0 ? '' : `, known ${formatDuration(label.delayMs)} later`;
    return `${feature.replace(/^feature/, 'label')} of ${label.view.source}${delay}`;
  });
  return [...fields, ...labels];
}

function withGroups(plan: ProjectPlan, { groups }: LabelPlan): ProjectPlan {
  return { ...plan, groups };
}

function datasetFields(dataset: DatasetPlan, names: PresentNames): Fields {
  const { service, serviceVersion, known, servingDelayMs, statuses } = dataset;
  const fields = new Map([
    ['service', `${service}@${serviceVersion}`],
    ['known', known],
  ]);
  if (servingDelayMs > 0) fields.set('serving delay', formatDuration(servingDelayMs));
  if (statuses) fields.set('statuses', 'yes');
  for (const [label, text] of spineFields(dataset.spine, names)) fields.set(label, text);
  return fields;
}

function spineFields(spine: SpinePlan, names: PresentNames): Fields {
  const fields = new Map<string, string>();
  if (spine.kind === 'events') {
    const columns = Object.entries(spine.columns).map(
      ([name, from]) => `${name} from ${names.get(from) ?? from}`,
    );
    fields.set('rows', `events of ${spine.source}`);
    if (spine.fromMs !== null) fields.set('rows from', new Date(spine.fromMs).toISOString());
    if (spine.toMs !== null) fields.set('rows before', new Date(spine.toMs).toISOString());
    if (spine.filter !== null) {
      fields.set('rows where', exprText(withPresentNames(spine.filter, names)));
    }
    return fields.set('columns', columns.join(', '));
  }
  if (spine.kind === 'query') {
    fields.set('rows', `a query of ${Object.values(spine.upstreams).join(', ')}`);
    fields.set('query', spine.sql);
  } else {
    fields.set('rows', `the file ${spine.path}`);
  }
  return spine.time === null ? fields : fields.set('time', spine.time);
}

function labelFields({ horizonMs, delayMs }: LabelPlan): Fields {
  return new Map([
    ['horizon', formatDuration(horizonMs)],
    ['delay', formatDuration(delayMs)],
  ]);
}
