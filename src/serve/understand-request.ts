import { present } from '../base/assert.ts';
import { servingOf } from '../plan/serving-plan.ts';
import type { FeatureRequest } from './answer-sink.ts';
import { type AskedRows, fetchOptions, rowsFor, UNBOUNDED } from './asked-rows.ts';
import { groupsTogether } from './degradation.ts';
import type { ModelContracts } from './model-contracts.ts';
import { readRows } from './request-rows.ts';
import { rowRulesOf } from './row-rules.ts';
import type { ServedServices } from './served-services.ts';

/**
 * Which version answers what for a request.
 * @param isAtHand whether rows are in memory, so that nobody waits for them
 * @throws AsofError as `FeatureServer.read` does
 */
export function understand(
  request: FeatureRequest,
  services: ServedServices,
  models: ModelContracts,
  isAtHand: boolean,
): AskedRows {
  const { service, version, model: title, features, timeoutMs, receivedMs } = request;
  const model = title === undefined ? null : models.find(title);
  const isPinned = service === undefined && model !== null;
  const name = isPinned ? model.service : service;
  const wanted = isPinned ? model.serviceVersion : version;
  const found =
    features === undefined
      ? services.find(present(name, 'a service or a model is named'), wanted)
      : services.adHoc.find(features);
  // Before anything else: a request that failed halfway must leave nothing to the next one.
  let given = readRows(rowsFor(request, found), found.plan.service);
  const compiled = wanted === undefined ? services.routed(found, given) : found;
  if (compiled !== found) given = readRows(rowsFor(request, compiled), compiled.plan.service);
  const contract = model === null ? null : models.of(model, compiled);
  const serving = servingOf(compiled.plan.service);
  const rules = rowRulesOf((contract ?? compiled).reader.plan, serving, request.denied ?? null);
  const fetch =
    isAtHand && compiled.plan.functionSlots === null
      ? UNBOUNDED
      : {
          ...fetchOptions(serving, receivedMs, timeoutMs),
          ...(serving.onFailure.kind === 'last_known'
            ? { together: groupsTogether(compiled.plan) }
            : {}),
        };
  request.stages?.mark('plan');
  return { compiled, contract, rows: given, fetch, rules, stages: request.stages ?? null };
}
