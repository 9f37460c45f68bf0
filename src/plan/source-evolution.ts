import { didYouMean } from '../base/suggest.ts';
import type { SchemaStepNode } from '../define/node.ts';
import { type ColumnSchema, type SchemaStep, typeText, type ValueType } from '../schema/types.ts';
import { isWidening } from '../schema/widening.ts';
import { byName } from './canonical.ts';
import type { IssueList } from './issue-list.ts';

/** A source's columns under their first names, by those, and how they became what they are. */
export interface ResolvedEvolution {
  readonly columns: readonly ColumnSchema[];
  readonly evolution: readonly SchemaStep[];
  /** The first name of a column's present one; any other text as it is. */
  readonly firstName: (present: string) => string;
}

/** A column on the way back through the versions. */
interface Tracked {
  readonly column: ColumnSchema;
  name: string;
  type: ValueType;
  /** The version that added it, once that has been passed. */
  addedIn: number | null;
}

/** Checks the declared versions of a source; columns are under their present names. */
export function resolveEvolution(
  source: { readonly name: string; readonly evolution?: readonly SchemaStepNode[] },
  columns: readonly ColumnSchema[],
  issues: IssueList,
): ResolvedEvolution {
  const path = `sources.${source.name}.evolution`;
  const walk = new WalkBack(source.name, columns, issues);
  const steps = source.evolution ?? [];
  steps.forEach(({ version }, i) => {
    if (version === i + 2) return;
    const message = `Version ${String(version)} stands where ${i + 2} is due.`;
    const remedy =
      'Number the versions 2, 3, … in their order; the first is what came before them.';
    issues.add('invalid_definition', `${path}.${i}.version`, message, remedy);
  });
  const undone = steps.map((step, i) => ({ step, version: i + 2 })).reverse();
  const widened = new Map<number, ReadonlyMap<Tracked, ValueType>>();
  for (const { step, version } of undone) {
    widened.set(version, walk.undo(step, version, `${path}.${version}`));
  }
  const first = new Map(walk.tracked.map(({ column, name }) => [column.name, name]));
  const firstName = (present: string): string => first.get(present) ?? present;
  return {
    columns: columns
      .map((column) => {
        const name = firstName(column.name);
        return name === column.name ? column : { ...column, name, alias: column.name };
      })
      .sort(byName),
    evolution: steps.map((step, i) => ({
      version: i + 2,
      renamed: Object.fromEntries(Object.entries(step.rename).sort()),
      widened: Object.fromEntries(
        [...(widened.get(i + 2) ?? [])].map(([{ name }, type]) => [name, type] as const).sort(),
      ),
      added: step.add.map(firstName).sort(),
    })),
    firstName,
  };
}

/** Undoes one version after the other, the newest first. */
class WalkBack {
  readonly tracked: readonly Tracked[];
  readonly #source: string;
  readonly #issues: IssueList;
  readonly #used: Set<string>;

  constructor(source: string, columns: readonly ColumnSchema[], issues: IssueList) {
    this.#source = source;
    this.#issues = issues;
    this.#used = new Set(columns.map(({ name }) => name));
    this.tracked = columns.map((column) => {
      return { column, name: column.name, type: column.type, addedIn: null };
    });
  }

  /** @returns the types before of what was widened */
  undo(step: SchemaStepNode, version: number, path: string): ReadonlyMap<Tracked, ValueType> {
    const { add, rename } = step;
    const types = this.#unwiden(step, path);
    this.#unrename(rename, path);
    for (const name of add) this.#unadd(name, version, `${path}.add.${name}`);
    return types;
  }

  #unwiden({ widen }: SchemaStepNode, path: string): ReadonlyMap<Tracked, ValueType> {
    const types = new Map<Tracked, ValueType>();
    for (const { name, column } of widen) {
      const place = `${path}.widen.${name}`;
      const found = this.#present(name, place);
      if (column.kind === 'problem') this.#issues.addProblem(place, column);
      if (found === null || column.kind === 'problem') continue;
      const [before, after] = [typeText(column.type), typeText(found.type)];
      if (!isWidening(column.type, found.type)) {
        const places = after === 'float64' ? ' of at least as many places' : '';
        const message = `'${name}' was ${before} before this version, which is not widened to ${after}${places}.`;
        const remedy =
          'Widen an int64 to a decimal, a decimal to one of more places, or to float64.';
        this.#issues.add('invalid_definition', place, message, remedy);
        continue;
      }
      found.type = column.type;
      types.set(found, column.type);
    }
    return types;
  }

  #unrename(rename: SchemaStepNode['rename'], path: string): void {
    const moved: (() => void)[] = [];
    for (const [before, since] of Object.entries(rename)) {
      const place = `${path}.rename.${before}`;
      this.#issues.checkName(place, 'a column', before);
      const found = this.tracked.find(({ name }) => name === since);
      if (this.#used.has(before)) {
        const message = `'${before}' names a column already; a name that was given up is not used again.`;
        const remedy =
          'Old rows could not be told from new ones: give the other column another name.';
        this.#issues.add('invalid_definition', place, message, remedy);
      } else if (found === undefined) {
        const names = this.tracked.map(({ name }) => name);
        const message = `The source '${this.#source}' has no column '${since}' in this version.`;
        const remedy = 'Write { name_before: its name since }.';
        this.#issues.add('unknown_name', place, message + didYouMean(since, names), remedy);
      } else if (
        moved.length > 0 &&
        Object.values(rename).filter((to) => to === since).length > 1
      ) {
        const message = `Two names are renamed to '${since}'.`;
        this.#issues.add('invalid_definition', place, message, 'Rename one to each column.');
      } else {
        this.#refuseAbsent(found, place);
        this.#used.add(before);
        moved.push(() => {
          found.name = before;
        });
      }
    }
    for (const move of moved) move();
  }

  #unadd(name: string, version: number, path: string): void {
    const found = this.#present(name, path);
    if (found === null) return;
    found.addedIn = version;
    if (found.column.optional || found.column.default !== undefined) return;
    const message = `'${name}' was added in version ${version}, so rows before it lack it.`;
    const remedy = 'Give it .default(…), or make it .optional().';
    this.#issues.add('invalid_definition', path, message, remedy);
  }

  #present(name: string, path: string): Tracked | null {
    const found = this.tracked.find(({ column }) => column.name === name);
    if (found === undefined) {
      const names = this.tracked.map(({ column }) => column.name);
      const message = `The source '${this.#source}' has no column '${name}'.`;
      const remedy = 'Name a column as it is called now.';
      this.#issues.add('unknown_name', path, message + didYouMean(name, names), remedy);
      return null;
    }
    this.#refuseAbsent(found, path);
    return found;
  }

  #refuseAbsent({ column, addedIn }: Tracked, path: string): void {
    if (addedIn === null) return;
    const message = `'${column.name}' was added in version ${addedIn}, so it cannot change before.`;
    this.#issues.add('invalid_definition', path, message, 'Put the versions in their order.');
  }
}
