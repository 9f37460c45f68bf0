import { AsofError } from '../../base/errors.ts';
import type { Tokenizer } from '../../base/tokenizer.ts';
import { Shield } from '../../ingest/shield.ts';
import { namespaceOf } from '../../schema/types.ts';
import type { Config } from '../config.ts';
import { tokenizerIfAny } from '../privacy/token-keys.ts';
import { withRegistry } from '../with-registry.ts';
import type { OpenLetter } from './erase-letters.ts';
import type { ForgetJob } from './job.ts';
import { KeyFinder } from './key-finder.ts';
import { columnOf, entitiesOf, type Plans, sourcesOf } from './places.ts';
import { type GoneKeys, goneKeys, type StoredValues } from './stored-keys.ts';

/** How far a run is: of a step, so many parts of so many. */
export type OnProgress = (step: string, done: number, of: number) => void;

/** What all steps of a run go by. */
export interface RunWorld {
  readonly config: Config;
  readonly job: ForgetJob;
  readonly plans: Plans;
  readonly gone: readonly GoneKeys[];
  readonly finder: KeyFinder;
  readonly open: OpenLetter;
  readonly onProgress: OnProgress;
  /** Just behind a step; tests end the process there. */
  readonly onStep: (step: string) => void;
}

export interface Watching {
  readonly onProgress?: OnProgress;
  readonly onStep?: (step: string) => void;
}

/** @throws AsofError `token_key_wrong` */
export async function openWorld(
  config: Config,
  job: ForgetJob,
  { onProgress = () => {}, onStep = () => {} }: Watching = {},
): Promise<RunWorld> {
  const plans = await withRegistry(config, (registry) =>
    registry.plansSince(Number.NEGATIVE_INFINITY),
  );
  const tokenizer = await tokenizerIfAny(config, { sources: [...sourcesOf(plans).values()] });
  const gone = goneKeys(job, plans, storedValues(plans, tokenizer));
  const joinKeys = new Map(
    entitiesOf(plans).map((one) => [one.name, one.joinKeys.map(({ name }) => name)]),
  );
  const finder = new KeyFinder(job.subjects, gone, {
    joinKeysOf: (entity) => joinKeys.get(entity) ?? [],
    shownAs: (source, column) => columnOf(plans, source, column)?.alias ?? column,
  });
  const open = openLetters(plans, tokenizer);
  return { config, job, plans, gone, finder, open, onProgress, onStep };
}

/** A tokenized column may hold raw values too, of the time before it was tokenized. */
function storedValues(plans: Plans, tokenizer: Tokenizer | null): StoredValues {
  return (source, column, value) => {
    const isTokenized = columnOf(plans, source, column)?.personal === 'tokenized';
    if (!isTokenized) return [value];
    if (tokenizer !== null) return [value, tokenizer.tokenOf(namespaceOf(source), value)];
    throw new AsofError('token_key_missing', `'${source}' holds tokens, and there is no key.`, {
      path: source,
    });
  };
}

function openLetters(plans: Plans, tokenizer: Tokenizer | null): OpenLetter {
  const shields = new Map<string, Shield | null>();
  for (const [name, source] of sourcesOf(plans)) {
    const isShielded = source.columns.some(({ personal }) => personal === 'tokenized');
    shields.set(name, isShielded ? Shield.of(source, tokenizer) : null);
  }
  return (source, kept) => {
    try {
      const raw = shields.get(source)?.open(kept).raw ?? kept;
      return typeof raw === 'string' ? raw : Buffer.from(raw).toString();
    } catch {
      return null;
    }
  };
}
