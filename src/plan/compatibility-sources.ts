import {
  breaking,
  breakingReaders,
  type CompatibilityRule,
  compatible,
  metadata,
} from './compatibility-rule.ts';

/** Of sources and entities. */
export const SOURCE_RULES = {
  column_added_optional: compatible(
    'source',
    'an optional column without bounds is added',
    'Rows without it fit as before, and no view can have read it.',
  ),
  column_added_default: compatible(
    'source',
    'a column with a default is added',
    'Rows without it hold the default, and no view can have read it.',
  ),
  column_added_required: breaking(
    'source',
    'a column is added that every row must bring',
    'Rows of producers that do not send it yet are rejected.',
  ),
  column_added_bounded: breakingReaders(
    'source',
    'an optional column with bounds is added',
    'A row out of the bounds is rejected whole, with all that views read of it, so the bounds are part of what they mean.',
  ),
  column_removed: breaking(
    'source',
    'a column is removed',
    'Rows that still bring it are rejected as having an unknown column.',
  ),
  column_renamed: compatible(
    'source',
    'a column is renamed, with the rename declared',
    'Rows of every schema version are taken, each by its own names.',
  ),
  column_widened: compatible(
    'source',
    'a number column is widened, with that declared',
    'Every value has its like in the wider type; views that read the column have it as a part of what they mean, and say so.',
  ),
  type_narrowed: breaking(
    'source',
    'a column gets a narrower type',
    'Values that were taken do not fit any more.',
  ),
  type_changed: breaking(
    'source',
    'a column gets another type, without a declared step',
    'What was sent as the old type is rejected, or read as something else.',
  ),
  column_scale_changed: breaking(
    'source',
    'a float64 column is quantized to another number of decimal places',
    'Sums are of integers in those places: other places give other sums.',
  ),
  column_default_changed: breaking(
    'source',
    'the default of a column changes',
    'The same rows, sent again, hold another value.',
  ),
  range_changed: breaking(
    'source',
    'the bounds of a column change',
    'Other rows are accepted than before.',
  ),
  evolution_rewritten: breaking(
    'source',
    'a schema version that was declared is changed or taken away',
    'Rows that were sent by it would be read as something else.',
  ),
  event_time_changed: breaking(
    'source',
    'another column holds the event time',
    'Every window counts other events.',
  ),
  arrival_time_changed: breaking(
    'source',
    'when a row counts as known is told in another way',
    'Training at a time in the past knows other events.',
  ),
  id_changed: breaking(
    'source',
    'another column names the event, or none does',
    'Other rows are duplicates.',
  ),
  lateness_changed: breaking('source', 'the allowed lateness changes', 'Other rows are too late.'),
  clock_skew_changed: breaking(
    'source',
    'the allowed clock skew changes',
    'Other rows are from the future.',
  ),
  dedupe_horizon_changed: breaking(
    'source',
    'ids are remembered for another time',
    'Other rows are duplicates.',
  ),
  partitions_changed: breaking(
    'source',
    'the number of partitions changes',
    'Ids are compared within a partition, and ties are broken by it.',
  ),
  changes_changed: breaking(
    'source',
    'how rows change earlier ones is declared in another way',
    'Other events are taken back.',
  ),
  keep_changed: breaking(
    'source',
    'more or fewer entries are kept for what may be taken back',
    'Where they run out, a value is null.',
  ),
  tokenization_changed: breaking(
    'source',
    'a column is tokenized now, or no longer',
    'Keys and texts of before are not equal to those since.',
  ),
  personal_changed: metadata(
    'source',
    'a column is marked as personal, or no longer',
    'The mark says what a value is about, and not what it is.',
  ),
  known_time_changed: breaking(
    'source',
    'since when a row of a table counts as known changes',
    'Training at a time in the past knows other rows.',
  ),
  table_rows_changed: breaking(
    'source',
    'which rows a table has changes: its query, what that reads, its key, duplicates, snapshots',
    'Features are made of other rows.',
  ),
  table_reading_changed: breaking(
    'source',
    'how the rows of a table are read changes: the zone of their times, what null is written as, which column is which, the query that a database is asked',
    'The same rows hold other values, or there are others; units that were brought before keep theirs.',
  ),
  table_place_changed: metadata(
    'source',
    'where the rows of a table lie, and in which form, or when they are brought, changes',
    'The rows are the same.',
  ),
  entity_key_changed: breakingReaders(
    'entity',
    'the join keys of an entity change',
    'Requests and training sets name it by other keys.',
  ),
} as const satisfies Record<string, CompatibilityRule>;
