import { viewerOf } from '../app/access/identity.ts';
import { exploreApplied } from '../app/explore.ts';
import { colors as pc } from './colors.ts';
import type { CommonOptions, Context } from './context.ts';
import { EXIT, table, wholeNumber } from './output.ts';

const FIELDS = [
  'kind',
  'namespace',
  'tag',
  'owner',
  'state',
  'type',
  'entity',
  'source',
  'risk',
] as const;

export interface SearchOptions extends CommonOptions {
  readonly kind?: readonly string[];
  readonly namespace?: readonly string[];
  readonly tag?: readonly string[];
  readonly owner?: readonly string[];
  readonly state?: readonly string[];
  readonly type?: readonly string[];
  readonly entity?: readonly string[];
  readonly source?: readonly string[];
  readonly risk?: readonly string[];
  readonly limit?: string;
  readonly cursor?: string;
}

/** Values of a field that are shown beside the entries. */
const FACETS_SHOWN = 5;

export async function searchCommand(
  { config, output, options }: Context<SearchOptions>,
  words: readonly string[],
): Promise<number> {
  const explorer = await exploreApplied(config);
  const filters = Object.fromEntries(
    FIELDS.flatMap((field) => {
      const values = options[field];
      return values === undefined ? [] : [[field, values]];
    }),
  );
  const query = {
    text: words.join(' '),
    filters,
    ...(options.limit === undefined ? {} : { limit: wholeNumber('limit', options.limit) }),
    ...(options.cursor === undefined ? {} : { cursor: options.cursor }),
  };
  const page = explorer.search(query, viewerOf(config));
  output.finish(page, () => {
    const { entries, total, facets, next } = page;
    if (total === 0) {
      output.say('Nothing that is applied fits.');
      return;
    }
    const rows = entries.map((one) => [
      pc.dim(one.kind),
      pc.bold(one.name),
      one.type ?? '',
      [...one.tags.map((tag) => `#${tag}`), ...(one.risk === null ? [] : ['high risk'])].join(' '),
      one.owner ?? '',
      pc.dim((one.description ?? '').split('\n')[0] ?? ''),
    ]);
    for (const line of table(rows)) output.say(line);
    output.say();
    output.say(`${total} in all${entries.length < total ? `, ${entries.length} shown` : ''}`);
    for (const field of FIELDS) {
      const values = facets[field];
      if (values.length < 2) continue;
      const shown = values.slice(0, FACETS_SHOWN).map(({ value, count }) => `${value} ${count}`);
      const more = values.length > FACETS_SHOWN ? ', …' : '';
      output.say(pc.dim(`  --${field}: ${shown.join(', ')}${more}`));
    }
    if (next !== null) output.say(pc.dim(`  more: --cursor ${next}`));
  });
  return EXIT.ok;
}
