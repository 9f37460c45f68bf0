import { durationMs } from '../base/duration.ts';
import { AsofError, type ErrorCode, type Issue, issue } from '../base/errors.ts';
import { LIMITS } from '../base/limits.ts';
import type { ProblemNode } from '../define/node.ts';
import { DEFAULT_NAMESPACE, NAME_PATTERN, QUALIFIED_NAME_PATTERN } from '../schema/types.ts';

/** Everything that is wrong with a project, collected so that it can be fixed in one go. */
export class IssueList {
  readonly #issues: Issue[] = [];
  readonly #seen = new Set<string>();

  get count(): number {
    return this.#issues.length;
  }

  /** The same issue met on two ways (a source of two views) is listed once. */
  add(code: ErrorCode, path: string, message: string, remedy?: string): void {
    const identity = `${path}\n${message}`;
    if (this.#seen.has(identity)) return;
    this.#seen.add(identity);
    this.#issues.push(issue(code, path, message, remedy));
  }

  addProblem(path: string, problem: ProblemNode): void {
    this.add(problem.code, path, problem.message, problem.remedy);
  }

  /** The name of a part, such as a feature or a column: it stands within a definition. */
  checkName(path: string, noun: string, name: unknown): void {
    if (typeof name === 'string' && NAME_PATTERN.test(name) && name.length <= LIMITS.nameLength) {
      return;
    }
    const rule = `Use [a-z][a-z0-9_]*, at most ${LIMITS.nameLength} characters`;
    const snake = snakeCase(String(name));
    const remedy = NAME_PATTERN.test(snake) ? `${rule}: '${snake}'.` : `${rule}.`;
    const text = String(name);
    const why = QUALIFIED_NAME_PATTERN.test(text) ? ': only definitions stand in a namespace' : '';
    this.add('invalid_name', path, `'${text}' cannot be the name of ${noun}${why}.`, remedy);
  }

  /** The name of a definition, which may stand in a namespace: `fraud.checks`. */
  checkDefinitionName(path: string, noun: string, name: unknown): void {
    const parts = String(name).split('.');
    const isShort = parts.every((part) => part.length <= LIMITS.nameLength);
    if (typeof name === 'string' && QUALIFIED_NAME_PATTERN.test(name) && isShort) {
      if (parts.length === 1 || parts[0] !== DEFAULT_NAMESPACE) return;
      const message = `'${name}' names the namespace that names without one stand in.`;
      this.add('invalid_name', path, message, `Write '${parts[1]}'.`);
      return;
    }
    const rule =
      'Use [a-z][a-z0-9_]*, with one namespace and a dot before it or none, each at most ' +
      `${LIMITS.nameLength} characters`;
    const snake = parts.map(snakeCase).join('.');
    const remedy =
      QUALIFIED_NAME_PATTERN.test(snake) && isShort ? `${rule}: '${snake}'.` : `${rule}.`;
    this.add('invalid_name', path, `'${String(name)}' cannot be the name of ${noun}.`, remedy);
  }

  checkVersion(path: string, version: unknown): void {
    if (Number.isInteger(version) && Number(version) >= 1) return;
    this.add(
      'invalid_definition',
      path,
      `The version is ${String(version)}, and must be a whole number from 1 on.`,
      'Write version: 1.',
    );
  }

  /** Milliseconds of a duration; null, and an issue, where it cannot be read. */
  duration(path: string, text: unknown): number | null {
    try {
      return durationMs(String(text));
    } catch (error) {
      if (!(error instanceof AsofError)) throw error;
      this.add(error.code, path, error.message, error.remedy);
      return null;
    }
  }

  /** The same where it may also be no time at all, however that is written: `'0s'`. */
  delay(path: string, text: unknown): number | null {
    return /^0+(ms|s|m|h|d|w)$/.test(String(text)) ? 0 : this.duration(path, text);
  }

  /** @throws AsofError `invalid_definition` with every issue, in order of their paths */
  throwIfAny(): void {
    const [first, ...rest] = this.#issues;
    if (first === undefined) return;
    const more = rest.length === 0 ? '' : ` (and ${rest.length} more)`;
    throw new AsofError('invalid_definition', `${first.path}: ${first.message}${more}`, {
      path: first.path,
      remedy: rest.length === 0 ? first.remedy : 'Fix each listed issue.',
      issues: [...this.#issues],
    });
  }
}

function snakeCase(name: string): string {
  return name
    .trim()
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '_')
    .replace(/^_+|_+$/g, '');
}
