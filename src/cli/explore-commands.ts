import { type Command, Option } from 'commander';
import { type Run, withCommonOptions } from './common-options.ts';
import type { LineageOptions } from './lineage-command.ts';
import type { SearchOptions } from './search-command.ts';

/** What there is, where it comes from, and who reads it. */
export function addExploreCommands(program: Command, run: Run): void {
  addSearch(program, run);
  addLineage(program, run);
}

const FILTERS = [
  ['kind', 'source, entity, view, feature, service, dataset, model or dashboard'],
  ['namespace', 'of this namespace; names without a dot are of `default`'],
  ['tag', 'with this tag'],
  ['owner', 'of this owner'],
  ['state', 'in this state of the lifecycle'],
  ['type', 'features of this type, such as decimal(2)'],
  ['entity', 'of this entity'],
  ['source', 'over this source'],
  ['risk', 'high'],
] as const;

function addSearch(program: Command, run: Run): void {
  const search = withCommonOptions(
    program.command('search [words...]'),
    'Find what is applied, by words and fields.',
  );
  for (const [field, text] of FILTERS) {
    search.addOption(new Option(`--${field} <value...>`, `${text}; may be repeated`));
  }
  search
    .option('--limit <entries>', 'entries of a page', '20')
    .option('--cursor <text>', 'where the page begins: `next` of the one before')
    .addHelpText(
      'after',
      '\nExamples:\n  asof search amount --tag pii --kind feature\n  asof search --owner ana --json\n\n' +
        'Every word must be there, or begin a word, or be nearly one. Names come first, then what\n' +
        'begins with the text, then other words. The counts say what each other filter would give.',
    )
    .action((words: string[], options: SearchOptions) =>
      run<SearchOptions>(async (context) =>
        (await import('./search-command.ts')).searchCommand(context, words),
      )(options),
    );
}

function addLineage(program: Command, run: Run): void {
  withCommonOptions(
    program.command('lineage [names...]'),
    'Show where values come from and who reads them, column by column.',
  )
    .option('--upstream', 'only what it comes from')
    .option('--downstream', 'only what comes from it')
    .option('--depth <edges>', 'no further than this')
    .option('--direct', 'only where values flow, not what decides which rows count')
    .option('--dot', 'for Graphviz')
    .option('--openlineage', 'every definition as OpenLineage events, one a line')
    .addHelpText(
      'after',
      '\nExamples:\n  asof lineage column:payments.amount --downstream\n' +
        '  asof lineage fraud@2 --upstream --depth 2\n  asof lineage total_1h --dot | dot -Tsvg\n\n' +
        'Names are `feature:view@1.name`, `column:source.name`, `model:name@7` and so on, or the part\n' +
        'behind the colon, or a plain name that only one thing has. Dotted branches are indirect:\n' +
        'a filter, a key or a time, which decides which rows count.',
    )
    .action((names: string[], options: LineageOptions) =>
      run<LineageOptions>(async (context) =>
        (await import('./lineage-command.ts')).lineageCommand(context, names),
      )(options),
    );
}
