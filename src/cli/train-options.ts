import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import type { TrainRequest } from '../app/offline.ts';
import { durationMs } from '../base/duration.ts';
import { AsofError } from '../base/errors.ts';
import type { CommonOptions } from './context.ts';
import { pairsOf, timeOption } from './option-values.ts';
import { versionedName } from './versioned-name.ts';

export interface TrainOptions extends CommonOptions {
  readonly service?: string;
  readonly dataset?: string;
  readonly spine?: string;
  readonly spineQuery?: string;
  readonly spineFile: readonly string[];
  readonly spineEvents?: string;
  readonly from?: string;
  readonly to?: string;
  readonly columns?: string;
  readonly before?: boolean;
  readonly out?: string;
  readonly known: 'serving' | 'final';
  readonly time?: string;
  readonly prefix?: string;
  readonly servingDelay?: string;
  readonly statuses?: boolean;
  readonly allowFunctionTimeouts?: boolean;
  readonly callNetworks?: boolean;
  readonly keepIds?: boolean;
  readonly draft?: boolean;
  readonly name?: string;
  readonly author: string;
  readonly checkLeakage?: boolean;
  readonly label?: string;
  readonly labelTime?: string;
  readonly failOn?: 'leak' | 'warning';
}

const EXAMPLES = `
Examples:
  asof train --service fraud --spine labels.csv --out train.parquet
  asof train --dataset churn@2 --out churn.parquet
  asof train --service fraud --spine-events orders --from 2026-03-01 --to 2026-04-01 \\
    --columns user=buyer,amount=total --before --out march.arrow
  asof train --service fraud --spine-file labels=labels.csv --out train.parquet \\
    --spine-query "SELECT user, made AS event_time, bad FROM orders JOIN labels USING (id)"
  asof train --service fraud --spine labels.csv --check-leakage --label bad --fail-on leak

The result has exactly the rows of the spine, in their order, each with the features as
of its own time. It works whether or not a server runs on the data directory.
Lists and histograms are lists and structs in Parquet and Arrow, JSON in NDJSON and CSV.
An event that was taken back counts until its retraction arrived; with final, never.
An error is null: how many there are is told by feature, and with --statuses by row.
A row made of an event sees that event itself, as serving does right after it; with
--before it does not.
All of it: docs/training.md.`;

const repeated = (value: string, before: readonly string[]): readonly string[] => [
  ...before,
  value,
];

export function withTrainOptions(command: Command): Command {
  return command
    .option('--service <name[@version]>', 'the service whose features to join (default: live)')
    .option('--dataset <name[@version]>', 'build a defined dataset, with its labels, and record it')
    .option('--spine <file>', 'rows to enrich: join keys, a time, labels (Parquet, CSV, NDJSON)')
    .option('--spine-query <sql>', 'or one SELECT over sources, by name, and files of --spine-file')
    .option(
      '--spine-file <alias=path>',
      'a file that the query reads; may be repeated',
      repeated,
      [],
    )
    .option('--spine-events <source>', 'or one row for every event of a source')
    .option('--from <time>', 'of --spine-events: from this event time on')
    .option('--to <time>', 'of --spine-events: events before this time')
    .option(
      '--columns <out=column,…>',
      'of --spine-events: columns of the event, under other names',
    )
    .option('--before', "features as they were just before each row's time")
    .option('--out <file>', 'where to write (.parquet, .arrow, .arrows, .csv or .ndjson)')
    .addOption(
      new Option(
        '--known <mode>',
        'serving: only what had arrived by then; final: all that did since',
      )
        .choices(['serving', 'final'])
        .default('serving'),
    )
    .option('--time <column>', 'the spine column that holds the time of each row')
    .option('--prefix <text>', 'put before every feature name, against collisions')
    .option('--serving-delay <duration>', 'how far serving runs behind arrivals, such as 2s')
    .option('--statuses', 'add <feature>_status after each feature that can be an error')
    .option(
      '--allow-function-timeouts',
      'calls of functions that are cut off have their default, as in serving',
    )
    .option('--call-networks', 'functions that ask other machines ask them now, for every row')
    .option('--draft', 'also of a version that is not approved yet; its record says so')
    .option('--keep-ids', 'ids of the spine where its keys would be tokens; for admins')
    .option('--name <name>', 'record it as the next number of this dataset, to build it again')
    .option('--author <name>', 'who builds it, for the record', 'command line')
    .option('--check-leakage', 'write nothing; look for what serving could not have known')
    .option('--label <columns>', 'of --check-leakage: the columns to predict, with commas between')
    .option('--label-time <column>', 'of --check-leakage: when the label of a row came about')
    .addOption(
      new Option(
        '--fail-on <severity>',
        'of --check-leakage: exit code 1 if that is found',
      ).choices(['leak', 'warning']),
    )
    .addHelpText('after', EXAMPLES);
}

/** What belongs to a definition, and cannot be said beside it. */
const DEFINED = [
  ...([
    'service',
    'spine',
    'spineQuery',
    'spineEvents',
    'from',
    'to',
    'columns',
    'before',
  ] as const),
  ...(['time', 'prefix', 'servingDelay', 'statuses', 'keepIds', 'name'] as const),
];

/** @throws AsofError `usage` if options contradict each other or one is lacking */
export function checkTrainOptions(options: TrainOptions): void {
  const { checkLeakage, out } = options;
  const looking = (['label', 'labelTime', 'failOn'] as const).filter(
    (name) => options[name] !== undefined,
  );
  if (checkLeakage !== true && looking.length > 0) {
    throw usage(`${looking.map(flag).join(', ')} belong to --check-leakage.`);
  }
  const requireOut = (): void => {
    if (checkLeakage !== true && out === undefined) throw usage('Name a file with --out.');
  };
  const isRecorded = options.dataset !== undefined || options.name !== undefined;
  const unrepeatable = (['allowFunctionTimeouts', 'callNetworks'] as const).filter(
    (name) => options[name] !== undefined,
  );
  if (isRecorded && unrepeatable.length > 0) {
    const flags = unrepeatable.map(flag).join(', ');
    throw usage(`A recorded dataset can be built again: leave out ${flags}.`);
  }
  if (options.dataset !== undefined) {
    requireOut();
    const extra = DEFINED.filter((name) => options[name] !== undefined).map(flag);
    if (extra.length === 0 && options.spineFile.length === 0) return;
    throw usage(`--dataset says all of it: leave out ${extra.join(', ') || '--spine-file'}.`);
  }
  if (options.keepIds === true && options.name !== undefined) {
    throw usage('A recorded dataset keeps tokens: leave out --keep-ids or --name.');
  }
  if (options.service === undefined) throw usage('Name a --service, or a --dataset.');
  requireOut();
  const spines = (['spine', 'spineQuery', 'spineEvents'] as const).filter(
    (name) => options[name] !== undefined,
  );
  if (spines.length !== 1) {
    throw usage('Give one of --spine, --spine-query and --spine-events.');
  }
  const ofEvents = (['from', 'to', 'columns'] as const).filter(
    (name) => options[name] !== undefined,
  );
  if (options.spineEvents === undefined && ofEvents.length > 0) {
    throw usage(`${ofEvents.map(flag).join(', ')} belong to --spine-events.`);
  }
  if (options.spineQuery === undefined && options.spineFile.length > 0) {
    throw usage('--spine-file belongs to --spine-query.');
  }
}

/** The request of a training set that no definition describes. */
export function requestOf(
  options: TrainOptions,
  out: string,
): Pick<TrainRequest, 'service' | 'spine' | 'out' | 'known'> & Partial<TrainRequest> {
  const { name, number } = versionedName(options.service ?? '');
  return {
    service: name,
    ...(number === null ? {} : { version: number }),
    spine: spineOf(options),
    out,
    known: options.known,
    servingDelayMs: options.servingDelay === undefined ? 0 : durationMs(options.servingDelay),
    ...(options.time === undefined ? {} : { time: options.time }),
    statuses: options.statuses === true,
    allowFunctionTimeouts: options.allowFunctionTimeouts === true,
    callNetworks: options.callNetworks === true,
    before: options.before === true,
    ...(options.keepIds === true ? { keepIds: true } : {}),
    ...(options.draft === true ? { draft: true } : {}),
    ...(options.prefix === undefined ? {} : { prefix: options.prefix }),
  };
}

function spineOf(options: TrainOptions): TrainRequest['spine'] {
  const { spineQuery: sql, spineEvents: source } = options;
  if (sql !== undefined) {
    const files = Object.entries(pairsOf('spine-file', options.spineFile));
    const resolved = Object.fromEntries(files.map(([alias, path]) => [alias, resolve(path)]));
    return { query: { sql, upstreams: null, files: resolved } };
  }
  if (source === undefined) return resolve(options.spine ?? '');
  return {
    events: {
      source,
      fromMs: timeOption('from', options.from),
      toMs: timeOption('to', options.to),
      filter: null,
      columns: pairsOf('columns', options.columns === undefined ? [] : options.columns.split(',')),
    },
  };
}

function flag(name: string): string {
  return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

function usage(message: string): AsofError {
  return new AsofError('usage', message, { remedy: 'See `asof train --help`.' });
}
