import { AsofError } from '../base/errors.ts';
import { deepFreeze } from '../define/node.ts';
import { parseJson } from '../schema/json.ts';
import { withLaterFields } from './former-fields.ts';
import { entityHash, groupId, sourceHash } from './hash.ts';
import type { ProjectPlan } from './plan.ts';
import { StoredHashes, unreadablePlan } from './stored-hashes.ts';

const FORMAT = 1;

/**
 * Reads a plan from its stored JSON (`canonicalJson`). Every hash is computed again and compared,
 * so a plan that was cut short or altered is never run.
 *
 * @throws AsofError `malformed_json`, `newer_format`, `unreadable_file`
 */
export function parsePlan(text: string): ProjectPlan {
  return soundPlan(parseText(text));
}

/**
 * As `parsePlan`, of what was parsed already.
 * @throws AsofError `newer_format`, `unreadable_file`
 */
export function soundPlan(parsed: unknown): ProjectPlan {
  if (typeof parsed !== 'object' || parsed === null || !('format' in parsed)) {
    throw unreadablePlan('it has no format');
  }
  const { format } = parsed;
  if (typeof format === 'number' && format > FORMAT) {
    throw new AsofError('newer_format', `The plan has format ${format}, newer than ${FORMAT}.`);
  }
  if (format !== FORMAT) throw unreadablePlan(`its format is ${String(format)}`);
  const { plan, mismatch } = checked(parsed as ProjectPlan);
  if (mismatch !== null) throw unreadablePlan(`the hash of ${mismatch} does not fit its content`);
  return deepFreeze(plan);
}

function parseText(text: string): unknown {
  try {
    return parseJson(text);
  } catch (cause) {
    throw new AsofError('malformed_json', 'The stored plan is not JSON.', { cause });
  }
}

/** The plan, and the first definition whose content its hash does not fit, or null. */
function checked(parsed: ProjectPlan): { plan: ProjectPlan; mismatch: string | null } {
  try {
    const plan = withLaterFields(parsed);
    return { plan, mismatch: mismatches(plan).next().value ?? null };
  } catch (cause) {
    // The hashes reach every field that means something: one that is missing ends here.
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw unreadablePlan(reason, cause);
  }
}

function* mismatches(plan: ProjectPlan): Generator<string, undefined> {
  const stored = new StoredHashes(plan);
  for (const source of plan.sources) {
    const { origin } = source;
    if (origin !== null && origin.hash !== stored.origin(origin)) {
      yield `the origin of the table '${source.name}'`;
    }
    if (source.hash !== sourceHash(source)) yield `the source '${source.name}'`;
  }
  for (const entity of plan.entities) {
    if (entity.hash !== entityHash(entity)) yield `the entity '${entity.name}'`;
  }
  for (const group of plan.groups) {
    if (group.id !== groupId(group)) yield `a tile group of '${group.source}'`;
  }
  const named = ({ name, version }: { name: string; version: number }) => `'${name}@${version}'`;
  for (const view of plan.views) {
    if (view.hash !== stored.view(view)) yield `the view ${named(view)}`;
  }
  for (const service of plan.services) {
    if (service.hash !== stored.service(service)) yield `the service ${named(service)}`;
  }
  for (const dataset of plan.datasets) {
    const label = stored.unsoundLabel(dataset);
    if (label !== null) yield `the label '${label}' of the dataset ${named(dataset)}`;
    if (dataset.hash !== stored.dataset(dataset)) yield `the dataset ${named(dataset)}`;
  }
  for (const model of plan.models) {
    if (model.hash !== stored.model(model)) yield `the model ${named(model)}`;
  }
  for (const dashboard of plan.dashboards) {
    if (dashboard.hash !== stored.dashboard(dashboard)) yield `the dashboard '${dashboard.name}'`;
  }
  return undefined;
}
