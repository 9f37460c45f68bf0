import { breaking, breakingReaders, type CompatibilityRule } from './compatibility-rule.ts';

const VIEW_AND_LABELS = ['view', 'dataset'] as const;

/** Of views, their features, and labels, which are features of the time after. */
export const FEATURE_RULES = {
  view_source_changed: breaking('view', 'a view reads another source', 'It has other events.'),
  view_entity_changed: breakingReaders(
    'view',
    'a view is of another entity',
    'Requests name it by other keys.',
  ),
  view_key_changed: breaking(
    VIEW_AND_LABELS,
    'a join key is taken from another column',
    'An event counts for another key.',
  ),
  filter_changed: breaking(
    VIEW_AND_LABELS,
    'the filter of a view or of a feature changes',
    'Other events count.',
  ),
  null_handling_changed: breaking(
    ['source', 'view', 'service', 'dataset'],
    'what is done with null changes: optional() of a column, coalesce, is_null',
    'Aggregates skip null and filters keep only true: a null that becomes a value counts.',
  ),
  feature_added: breakingReaders(
    VIEW_AND_LABELS,
    'a view gets a feature more',
    'A version names one set of features for ever: whoever reads all of it would read another row.',
  ),
  feature_removed: breakingReaders(
    VIEW_AND_LABELS,
    'a feature is taken away',
    'Whoever reads it gets nothing.',
  ),
  aggregation_changed: breaking(
    VIEW_AND_LABELS,
    'a feature is aggregated by another function',
    'It is another number.',
  ),
  measure_changed: breaking(
    VIEW_AND_LABELS,
    'a feature aggregates another expression',
    'It is made of other values.',
  ),
  window_changed: breaking(
    VIEW_AND_LABELS,
    'the window of a feature changes: its size, hop, offset, gap or kind',
    'Other events count.',
  ),
  default_changed: breaking(
    ['view', 'service', 'dataset'],
    'the default of a feature changes',
    'A window without events has another value.',
  ),
  scale_changed: breaking(
    VIEW_AND_LABELS,
    'values are quantized to another number of decimal places',
    'Sums are of integers in those places.',
  ),
  feature_type_changed: breaking(
    VIEW_AND_LABELS,
    'the type of a feature changes, or the format that it is kept in',
    'Models and spines read a value of the type that it had.',
  ),
  ttl_changed: breaking(
    VIEW_AND_LABELS,
    'how old a row may be to count changes',
    'A row is missing earlier or later.',
  ),
  length_changed: breaking(
    VIEW_AND_LABELS,
    'a list has room for more or fewer values',
    'It is another list.',
  ),
  rank_changed: breaking(VIEW_AND_LABELS, 'another quantile is asked for', 'It is another number.'),
  precision_changed: breaking(
    VIEW_AND_LABELS,
    'how exact a sketch is changes',
    'What it says of many values differs.',
  ),
  expression_changed: breaking(
    'view',
    'a derived feature is another expression',
    'It is another value.',
  ),
  source_changed: breaking(
    ['source', 'view', 'dataset'],
    'a source or table that is read means something else',
    'It is made of other rows.',
  ),
} as const satisfies Record<string, CompatibilityRule>;
