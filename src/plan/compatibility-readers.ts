import {
  breaking,
  breakingReaders,
  type CompatibilityRule,
  compatible,
  metadata,
} from './compatibility-rule.ts';
import type { DefinitionKind } from './definition-kind.ts';

const ALL: readonly DefinitionKind[] = [
  'source',
  'entity',
  'view',
  'service',
  'dataset',
  'model',
  'dashboard',
];

/** Of what reads features: services, datasets, models, dashboards; and of how all are described. */
export const READER_RULES = {
  output_added: breakingReaders(
    'service',
    'a service answers with an output more',
    'A version names one row for ever: a model reads all of it.',
  ),
  output_removed: breakingReaders(
    'service',
    'a service answers without an output',
    'Whoever reads it gets nothing.',
  ),
  output_changed: breaking(
    'service',
    'an output is another feature',
    'The same name holds another value.',
  ),
  request_changed: breakingReaders(
    'service',
    'a service asks for other request fields',
    'Requests as they are sent now do not fit.',
  ),
  on_demand_changed: breaking(
    'service',
    'an on-demand feature is another expression, is added, or goes',
    'It is another value, or another row.',
  ),
  function_changed: breaking(
    'service',
    'a function has another text, version, input or output, or uses something else',
    'Nobody can tell from two programs whether they compute the same.',
  ),
  reads_changed: breaking(
    ['service', 'dataset', 'model'],
    'what is read means something else',
    'Every value comes from there.',
  ),
  dataset_rows_changed: breakingReaders(
    'dataset',
    'the rows of a training set change: its spine, service or columns',
    'What was trained on it cannot be built again under its name.',
  ),
  dataset_known_changed: breakingReaders(
    'dataset',
    'what a training set may know changes',
    'What was trained on it cannot be built again under its name.',
  ),
  label_changed: breakingReaders(
    'dataset',
    'a label is added, goes, or looks ahead for another time',
    'What was trained on it cannot be built again under its name.',
  ),
  model_reads_changed: breakingReaders(
    'model',
    'a model may read other outputs, or those of another service',
    'A version is what was trained: it read what it read.',
  ),
  model_contract_changed: breakingReaders(
    'model',
    'what a model expects changes, or what is done where that fails',
    'Answers that passed are refused or flagged, or the other way round.',
  ),
  dashboard_reads_changed: compatible(
    'dashboard',
    'a dashboard shows other features',
    'Nothing is computed from what people look at.',
  ),
  meaning_changed: breaking(
    ALL,
    'something else that is part of the meaning changes',
    'Its hash is another, so it is taken for what could differ most.',
  ),
  owner_changed: metadata(ALL, 'another owner', 'It is no part of what a value is.'),
  description_changed: metadata(ALL, 'another description', 'It is no part of what a value is.'),
  tags_changed: metadata(ALL, 'other tags', 'They are no part of what a value is.'),
  risk_changed: metadata(
    ALL,
    'another mark of risk',
    'It says who approves, and not what a value is.',
  ),
  freshness_changed: metadata(
    'view',
    'another objective of freshness',
    'It is measured, and changes no value.',
  ),
  state_changed: metadata(
    'view',
    'other expectations of how much state there is, or another budget',
    'It bounds memory; keys beyond it wait on disk, or pushes do.',
  ),
  expectation_changed: metadata(
    ['source', 'view'],
    'other values are expected',
    'Gates compare with it; no value depends on it.',
  ),
  neighbors_changed: metadata(
    'view',
    'neighbors of other vectors can be asked for, or by another measure',
    'An index is built of what is there; values stay as they are.',
  ),
  online_changed: metadata(
    'view',
    'an online store holds other keys',
    'Rows of the others come from the primary; values stay as they are.',
  ),
  order_changed: metadata(
    ['view', 'service'],
    'outputs are in another order',
    'Each goes by its name.',
  ),
  serving_changed: metadata(
    'service',
    'another timeout, or other features that are required, or another policy where a store fails',
    'It says how requests are answered, and not what a value is.',
  ),
  function_bounds_changed: metadata(
    'service',
    'a function may take more or less time or memory, or its answers are kept for another time',
    'It decides whether a call succeeds, and not what it then gives.',
  ),
  address_changed: metadata(
    'dashboard',
    'a dashboard is found elsewhere',
    'It is no part of what it shows.',
  ),
} as const satisfies Record<string, CompatibilityRule>;
