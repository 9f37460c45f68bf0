import { NodeDisk } from '../../base/node-disk.ts';
import {
  type FenceBook,
  type FencedAnswers,
  type FenceRest,
  type FenceRule,
  fenceHash,
  OPEN_FENCE,
} from '../../ingest/fence.ts';
import { emptiedBy, type KeyPlace } from '../../ingest/forget/key-rule.ts';
import { FORGET_FOLDER, type ForgetJob, newSalt } from './job.ts';
import {
  addPlace,
  entitiesOf,
  type Plans,
  personalColumns,
  placesOf,
  sourcesOf,
} from './places.ts';
import type { GoneKeys } from './stored-keys.ts';

const PATH = `${FORGET_FOLDER}/fence.json`;

/** Who may not come back into a data directory, and since when. */
export function readFence(dataDir: string): FenceBook {
  const disk = new NodeDisk(dataDir);
  if (!disk.exists(PATH)) return OPEN_FENCE;
  const parsed: FenceBook = JSON.parse(new TextDecoder().decode(disk.read(PATH)));
  return parsed;
}

/**
 * Adds the keys of a job, durably. Without `block`, what happened before the job began is refused:
 * an upstream that still has it brings nothing new.
 */
export function raiseFence(
  dataDir: string,
  job: ForgetJob,
  gone: readonly GoneKeys[],
  plans: Plans,
): void {
  const before = readFence(dataDir);
  const salt = before.salt === '' ? newSalt() : before.salt;
  const rules = new Map(before.rules.map((rule) => [nameOf(rule), rule]));
  for (const { place, keys } of gone) {
    const { source, columns } = place;
    const rest = job.shared === 'keep' ? restOf(place, plans, job) : null;
    const base = { source, columns, ...(rest === null ? {} : { rest }) };
    const name = nameOf(base);
    const known = { ...rules.get(name)?.keys };
    for (const key of keys) {
      const hash = fenceHash(salt, key);
      known[hash] = laterOf(known[hash], job.block ? null : job.startedMs);
    }
    rules.set(name, { ...base, keys: known });
  }
  const answers = fencedAnswers(before, salt, job, gone, plans);
  const book: FenceBook = { salt, rules: [...rules.values()], answers };
  const disk = new NodeDisk(dataDir);
  disk.makeFolder(FORGET_FOLDER);
  disk.replace(PATH, new TextEncoder().encode(JSON.stringify(book)));
}

/** Keys as people know them and as they are stored, beside those of before. */
function fencedAnswers(
  { answers = [] }: FenceBook,
  salt: string,
  { subjects }: ForgetJob,
  gone: readonly GoneKeys[],
  plans: Plans,
): FencedAnswers[] {
  const found = new Map(
    answers.map(({ joinKeys, hashes }) => [
      joinKeys.join('\n'),
      { joinKeys, hashes: new Set(hashes) },
    ]),
  );
  for (const { name, joinKeys: columns } of entitiesOf(plans)) {
    const joinKeys = columns.map((column) => column.name);
    const own = subjects.filter(({ entity }) => entity === name).map(({ values }) => values);
    const stored = gone.flatMap(({ place, keys }) => (place.entity === name ? keys : []));
    if (own.length + stored.length === 0) continue;
    const known = found.get(joinKeys.join('\n')) ?? { joinKeys, hashes: new Set<string>() };
    for (const key of [...own, ...stored]) known.hashes.add(fenceHash(salt, key));
    found.set(joinKeys.join('\n'), known);
  }
  return [...found.values()].map(({ joinKeys, hashes }) => ({ joinKeys, hashes: [...hashes] }));
}

function nameOf({ source, columns, rest }: Omit<FenceRule, 'keys'>): string {
  return JSON.stringify([source, columns, rest ?? null]);
}

/** As `rowSql` leaves rows that hold a key of somebody else too. */
function restOf(place: KeyPlace, plans: Plans, { declared }: ForgetJob): FenceRest {
  const all = placesOf(plans);
  for (const one of declared) addPlace(all, one);
  const places = all.filter(({ source }) => source === place.source);
  const keyColumns = new Set(places.flatMap(({ columns }) => columns));
  const personal = personalColumns(sourcesOf(plans).get(place.source));
  const emptied = [
    ...emptiedBy(place, places),
    ...personal.filter((column) => !keyColumns.has(column)),
  ];
  return { emptied, places: places.map(({ columns }) => columns) };
}

/** Whoever is kept out for ever stays so. */
function laterOf(known: number | null | undefined, untilMs: number | null): number | null {
  if (known === null || untilMs === null) return null;
  return Math.max(known ?? 0, untilMs);
}
