import { soundPlan } from '../plan/load.ts';
import type { ProjectPlan } from '../plan/plan.ts';
import { parseJson } from '../schema/json.ts';
import type { RegistryDatabase } from './database.ts';
import { damaged } from './database-errors.ts';
import { assemblePlan, digestOf, membersOf, type PlanMember } from './plan-members.ts';
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
  /** Definitions of the plan that was read last, by digest. */
  #known: ReadonlyMap<string, unknown> = new Map();
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
    const contents = await this.#contentsOf(members);
    this.#known = contents;
    const plan = soundPlan(partsOf(members, contents));
    this.#newest = { generation, plan };
    return plan;
  }

  /** Plans of several generations, sharing what they have in common. */
  async all(generations: readonly number[]): Promise<ProjectPlan[]> {
    const members = await this.#db.selectFrom('members').selectAll().execute();
    const contents = await this.#contentsOf(members);
    return generations.map((generation) =>
      soundPlan(
        partsOf(
          members.filter(
            (one) => one.from_generation <= generation && one.to_generation > generation,
          ),
          contents,
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

  /** Makes a plan that of a generation; what it has in common with the one before is not written. */
  async write(plan: ProjectPlan, generation: number): Promise<void> {
    const open = await this.#db
      .selectFrom('members')
      .select(['kind', 'name', 'version', 'digest'])
      .where('to_generation', '=', OPEN_GENERATION)
      .execute();
    await this.replace(open, membersOf(plan), generation);
  }

  /** Ends what is not part of the plan any more, and begins what was not before. */
  async replace(
    before: readonly Pick<StoredMember, 'kind' | 'name' | 'version' | 'digest'>[],
    after: readonly PlanMember[],
    generation: number,
  ): Promise<void> {
    const kept = new Set(after.map(placeOf));
    const known = new Set(before.map(placeOf));
    for (const { kind, name, version } of before.filter((one) => !kept.has(placeOf(one)))) {
      await this.#db
        .updateTable('members')
        .set({ to_generation: generation })
        .where('kind', '=', kind)
        .where('name', '=', name)
        .where('version', '=', version)
        .where('to_generation', '=', OPEN_GENERATION)
        .execute();
    }
    const come = after.filter((one) => !known.has(placeOf(one)));
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

  /** What members hold, by digest; only what is not known is read. */
  async #contentsOf(members: readonly StoredMember[]): Promise<Map<string, unknown>> {
    const digests = [...new Set(members.map(({ digest }) => digest))];
    const contents = new Map<string, unknown>();
    const missing: string[] = [];
    for (const digest of digests) {
      const known = this.#known.get(digest);
      if (known === undefined) missing.push(digest);
      else contents.set(digest, known);
    }
    for (const some of portions(missing)) {
      const rows = await this.#db
        .selectFrom('contents')
        .selectAll()
        .where('digest', 'in', some)
        .execute();
      for (const { digest, body } of rows) contents.set(digest, contentOf(digest, body));
    }
    return contents;
  }
}

function contentOf(digest: string, body: string): unknown {
  if (digestOf(body) === digest) return parseJson(body);
  throw damaged('of this project', `the content ${digest.slice(0, 12)} is not what was written`);
}

function partsOf(
  members: readonly StoredMember[],
  contents: ReadonlyMap<string, unknown>,
): unknown {
  return assemblePlan(
    members.map(({ kind, name, digest }) => {
      const content = contents.get(digest);
      if (content !== undefined) return { kind, content };
      throw damaged('of this project', `the content of ${kind} ${name} is missing`);
    }),
  );
}

function placeOf(one: Pick<StoredMember, 'kind' | 'name' | 'version' | 'digest'>): string {
  return `${one.kind} ${one.name}@${one.version} ${one.digest}`;
}
