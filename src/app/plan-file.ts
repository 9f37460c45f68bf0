import { readFileSync, writeFileSync } from 'node:fs';
import { AsofError } from '../base/errors.ts';
import { canonicalJson, hashOf } from '../plan/canonical.ts';
import { scopeDigest } from '../plan/scope-digest.ts';
import { parseJson } from '../schema/json.ts';
import type { PlannedChange } from './planned-change.ts';

const FORMAT = 1;

/**
 * What a plan showed, by digests: of what is applied in the namespaces, of the definitions, of what
 * both make, and of every difference that was shown. `details` is for whoever reads the file.
 */
interface PlanFile {
  readonly format: number;
  readonly namespaces: readonly string[] | null;
  readonly generation: number;
  readonly base: string;
  readonly definitions: string;
  readonly result: string;
  readonly shown: string;
  readonly details: object;
}

function fileOf(planned: PlannedChange, details: object): PlanFile {
  const { namespaces, generation, current, compiled, plan, diff } = planned;
  return {
    format: FORMAT,
    namespaces,
    generation,
    base: scopeDigest(current, namespaces),
    definitions: hashOf(compiled),
    result: scopeDigest(plan, namespaces),
    shown: hashOf(diff),
    details,
  };
}

/** Writes what a plan showed; nothing that is refused is ever written. */
export function writePlanFile(path: string, planned: PlannedChange, details: object): void {
  const file = fileOf(planned, JSON.parse(canonicalJson(details)));
  writeFileSync(path, `${JSON.stringify({ ...file, seal: hashOf(file) }, null, 2)}\n`);
}

/**
 * Whether applying now would do what the file showed, and nothing else.
 * @throws AsofError `plan_stale`, `unreadable_file`, `file_not_found`, `newer_format`
 */
export function requireSamePlan(path: string, planned: PlannedChange): void {
  const file = readPlanFile(path);
  const now = fileOf(planned, {});
  const stale = (what: string, remedy: string): never => {
    throw new AsofError('plan_stale', what, { path, remedy });
  };
  const again = 'Run `asof plan --out` again, look at it, and apply that.';
  const owned = (namespaces: PlanFile['namespaces']) => namespaces?.join(', ') ?? 'all namespaces';
  if (owned(file.namespaces) !== owned(now.namespaces)) {
    const both = `${owned(file.namespaces)}, and now ${owned(now.namespaces)}`;
    stale(`The plan was made for ${both} would be applied.`, again);
  }
  if (file.definitions !== now.definitions) {
    const remedy = `Apply the definitions that were planned. Or: ${again}`;
    stale('The definitions are not those that were planned.', remedy);
  }
  if (file.base !== now.base) {
    const since = `was made on generation ${file.generation}, and ${now.generation} is applied`;
    stale(`The plan ${since}, with other definitions of these namespaces.`, again);
  }
  if (file.result !== now.result || file.shown !== now.shown) {
    stale('Applying would make another change than the plan showed.', again);
  }
}

function readPlanFile(path: string): PlanFile {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code !== 'ENOENT') {
      throw unreadable(path, `the system says ${cause.code}`, cause);
    }
    throw new AsofError('file_not_found', `There is no plan at ${path}.`, { path, cause });
  }
  const parsed = parsedFile(path, text);
  const { format } = parsed;
  if (typeof format === 'number' && format > FORMAT) {
    throw new AsofError('newer_format', `The plan has format ${format}, newer than ${FORMAT}.`);
  }
  const { seal, ...file } = parsed;
  if (format === FORMAT && seal === hashOf(file) && isPlanFile(file)) return file;
  throw unreadable(path, 'it is not what `asof plan --out` wrote');
}

function parsedFile(path: string, text: string): Readonly<Record<string, unknown>> {
  let parsed: unknown;
  try {
    parsed = parseJson(text);
  } catch (cause) {
    throw unreadable(path, 'it is not JSON', cause);
  }
  if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) return { ...parsed };
  throw unreadable(path, 'it is no object');
}

function isPlanFile(file: object): file is PlanFile {
  const digests = ['base', 'definitions', 'result', 'shown'] as const;
  const texts = new Map<string, unknown>(Object.entries(file));
  const namespaces = texts.get('namespaces');
  return (
    digests.every((name) => typeof texts.get(name) === 'string') &&
    typeof texts.get('generation') === 'number' &&
    (namespaces === null || Array.isArray(namespaces))
  );
}

function unreadable(path: string, reason: string, cause?: unknown): AsofError {
  return new AsofError('unreadable_file', `The plan at ${path} cannot be used: ${reason}.`, {
    path,
    remedy: 'Run `asof plan --out` again; a plan is not to be edited.',
    cause,
  });
}
