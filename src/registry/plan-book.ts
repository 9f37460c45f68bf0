import { present } from '../base/assert.ts';
import { deepFreeze } from '../define/node.ts';
import { soundPlan } from '../plan/load.ts';
import type { ProjectPlan } from '../plan/plan.ts';
import { parseJson } from '../schema/json.ts';
import type { RegistryDatabase } from './database.ts';
import { damaged } from './database-errors.ts';
import {
  assemblePlan,
  digestOf,
  isMemberKind,
  type MemberKind,
  membersOf,
  type PlanMember,
  partsOfToday,
  type ReadPart,
} from './plan-members.ts';
import { OPEN_GENERATION } from './plan-tables.ts';
import { portions } from './portions.ts';

interface StoredMember {
  readonly kind: string;
  readonly name: string;
  readonly version: number;
  readonly digest: string;
  readonly from_generation: number;
  readonly to_generation: number;
}

/**
 * Plans by generation. A definition is stored once under the digest of its text, and once for each
 * time that it became part of the plan, so that an apply writes what it changes and every plan that
 * was ever applied can be put together again, to the byte.
 */
export class PlanBook {
  readonly #db: RegistryDatabase;
  /** Definitions of the plan that was read last, by kind and digest. */
  #known: ReadonlyMap<string, ReadPart> = new Map();
  #newest: { readonly generation: number; readonly plan: ProjectPlan } | null = null;

  constructor(db: RegistryDatabase) {
    this.#db = db;
  }

  /** The same in a transaction: what it reads there is not known outside, as it may not last. */
  within(db: RegistryDatabase): PlanBook {
    const book = new PlanBook(db);
    book.#known = this.#known;
    book.#newest = this.#newest;
    return book;
  }

  /** @throws AsofError `registry_damaged`, `unreadable_file` */
  async at(generation: number): Promise<ProjectPlan> {
    if (this.#newest?.generation === generation) return this.#newest.plan;
    const members = await this.#db
      .selectFrom('members')
      .selectAll()
      .where('from_generation', '<=', generation)
      .where('to_generation', '>', generation)
      .execute();
    const parts = await this.#partsOf(members);
    this.#known = new Map(parts.map((part) => [keyOf(part), part]));
    const plan = soundPlan(assemblePlan(parts));
    this.#newest = { generation, plan };
    return plan;
  }

  /**
   * Plans of several generations, sharing what they have in common. What they hold is what was
   * written, and was checked then; their hashes are not computed again.
   */
  async all(generations: readonly number[]): Promise<ProjectPlan[]> {
    const members = await this.#db.selectFrom('members').selectAll().execute();
    const spans = Map.groupBy(members, keyOf);
    const parts = deepFreeze(await this.#partsOf(members));
    return generations.map((generation) =>
      Object.freeze(
        assemblePlan(
          parts.filter((part) =>
            spans
              .get(keyOf(part))
              ?.some((one) => one.from_generation <= generation && one.to_generation > generation),
          ),
        ),
      ),
    );
  }

  /** The newest generation that has a definition, or null. */
  async newestWith(kind: string, name: string, version: number): Promise<number | null> {
    const row = await this.#db
      .selectFrom('members')
      .select('to_generation')
      .where('kind', '=', kind)
      .where('name', '=', name)
      .where('version', '=', version)
      .orderBy('from_generation', 'desc')
      .limit(1)
      .executeTakeFirst();
    if (row === undefined) return null;
    if (row.to_generation < OPEN_GENERATION) return row.to_generation - 1;
    const newest = await this.#db
      .selectFrom('applies')
      .select((of) => of.fn.max('generation').as('generation'))
      .executeTakeFirst();
    return newest?.generation ?? null;
  }

  /** The newest generation in which something of a namespace came or went; 0 before the first. */
  async touched(namespaces: readonly string[]): Promise<number> {
    const rows = await this.#db
      .selectFrom('members')
      .select((of) => [
        of.fn.max('from_generation').as('came'),
        of.fn.max('to_generation').filterWhere('to_generation', '<', OPEN_GENERATION).as('went'),
      ])
      .where('namespace', 'in', namespaces)
      .execute();
    return Math.max(0, ...rows.map(({ came, went }) => Math.max(came ?? 0, went ?? 0)));
  }

  /** What of a plan is not as it is in the newest generation, which is `current`. */
  async changesTo(plan: ProjectPlan, current: ProjectPlan | null): Promise<MemberChanges> {
    const open = await this.#db
      .selectFrom('members')
      .select(['kind', 'name', 'version', 'digest'])
      .where('to_generation', '=', OPEN_GENERATION)
      .execute();
    const { come, gone } = changesBetween(open, membersOf(plan));
    if (current === null || come.length === 0) return { come, gone };
    // What an earlier release wrote may be the same with the fields that came later.
    const places = new Set(come.map(placeOf));
    const now = membersOf(current, (kind, name, version) =>
      places.has(placeOf({ kind, name, version })),
    );
    const same = new Set(now.map(textOf));
    const kept = new Set(come.filter((one) => same.has(textOf(one))).map(placeOf));
    return {
      come: come.filter((one) => !kept.has(placeOf(one))),
      gone: gone.filter((one) => !kept.has(placeOf(one))),
    };
  }

  /** Ends what is not part of the plan any more, and begins what was not before. */
  async write({ come, gone }: MemberChanges, generation: number): Promise<void> {
    for (const { kind, name, version } of gone) {
      await this.#db
        .updateTable('members')
        .set({ to_generation: generation })
        .where('kind', '=', kind)
        .where('name', '=', name)
        .where('version', '=', version)
        .where('to_generation', '=', OPEN_GENERATION)
        .execute();
    }
    for (const rows of portions(come)) {
      await this.#db
        .insertInto('contents')
        .values(rows.map(({ digest, body }) => ({ digest, body })))
        .onConflict((row) => row.doNothing())
        .execute();
      await this.#db
        .insertInto('members')
        .values(
          rows.map(({ body: _, ...member }) => ({
            ...member,
            from_generation: generation,
            to_generation: OPEN_GENERATION,
          })),
        )
        .execute();
    }
  }

  /** What members hold, each once and in order; only what is not known is read. */
  async #partsOf(members: readonly StoredMember[]): Promise<ReadPart[]> {
    const wanted = new Map(members.map((member) => [keyOf(member), member]));
    const parts: ReadPart[] = [];
    const missing = new Map<string, StoredMember>();
    for (const [key, member] of wanted) {
      const known = this.#known.get(key);
      if (known === undefined) missing.set(member.digest, member);
      else parts.push(known);
    }
    for (const some of portions([...missing.keys()])) {
      const rows = await this.#db
        .selectFrom('contents')
        .selectAll()
        .where('digest', 'in', some)
        .execute();
      for (const { digest, body } of rows) {
        const { kind } = present(missing.get(digest), 'a content that was asked for');
        parts.push({ kind: kindOf(kind), digest, content: contentOf(digest, body) });
        missing.delete(digest);
      }
    }
    const [lost] = missing.values();
    if (lost === undefined) return partsOfToday(parts);
    throw damaged(OF_WHAT, `the content of ${lost.kind} ${lost.name} is missing`);
  }
}

const OF_WHAT = 'of this project';

function kindOf(kind: string): MemberKind {
  if (isMemberKind(kind)) return kind;
  throw damaged(OF_WHAT, `it has a '${kind}'`);
}

/** Two of one kind with one text are one part; of two kinds no texts are the same. */
function keyOf({ kind, digest }: { readonly kind: string; readonly digest: string }): string {
  return `${kind} ${digest}`;
}

function contentOf(digest: string, body: string): unknown {
  if (digestOf(body) === digest) return parseJson(body);
  throw damaged(OF_WHAT, `the content ${digest.slice(0, 12)} is not what was written`);
}

/** What begins with a generation, and what ends before it. */
export interface MemberChanges {
  readonly come: readonly PlanMember[];
  readonly gone: readonly MemberPlace[];
}

type MemberPlace = Pick<StoredMember, 'kind' | 'name' | 'version'>;

export function changesBetween(
  before: readonly (MemberPlace & { readonly digest: string })[],
  after: readonly PlanMember[],
): MemberChanges {
  const kept = new Set(after.map(textOf));
  const known = new Set(before.map(textOf));
  return {
    come: after.filter((one) => !known.has(textOf(one))),
    gone: before.filter((one) => !kept.has(textOf(one))),
  };
}

function placeOf({ kind, name, version }: MemberPlace): string {
  return `${kind} ${name}@${version}`;
}

function textOf(one: MemberPlace & { readonly digest: string }): string {
  return `${placeOf(one)} ${one.digest}`;
}
