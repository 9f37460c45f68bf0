import { present } from '../base/assert.ts';
import { SERVING_LIMITS } from '../base/serving-limits.ts';
import { scalarOfLiteral } from '../expr/literal.ts';
import { computedOutputs } from '../plan/function-outputs.ts';
import { personalFeatures, tagsOf } from '../plan/personal-features.ts';
import type {
  FeaturePlan,
  ProjectPlan,
  ServiceFeaturePlan,
  ServicePlan,
  ServingPlan,
  ViewPlan,
} from '../plan/plan.ts';
import { viewNamed } from '../plan/plan-index.ts';
import { servingOf } from '../plan/serving-plan.ts';
import { formatDecimal } from '../schema/json.ts';
import { keptErrorText } from '../schema/kept-float.ts';
import { typeText, type ValueType } from '../schema/types.ts';
import type { FeatureDescription, ServiceDescription } from './answer.ts';

/** A service for people and clients: what to send and what comes back. */
export function describeService(plan: ProjectPlan, service: ServicePlan): ServiceDescription {
  return {
    name: service.name,
    version: service.version,
    ...service.meta,
    keys: service.joinKeys.map(({ name, type }) => ({ name, type: typeText(type) })),
    request: service.request.map(({ name, type, optional }) => ({
      name,
      type: typeText(type),
      optional,
    })),
    features: [
      ...service.features.map((output) => describeOutput(plan, output)),
      ...computedOutputs(service).map((feature) => ({
        name: feature.name,
        type: typeText(feature.type),
        ...roundingOf(feature.type),
        from: 'on demand',
        default: describeDefault(feature),
        description: feature.meta.description,
        owner: feature.meta.owner ?? service.meta.owner,
        tags: feature.meta.tags,
      })),
    ],
    serving: describeServing(servingOf(service)),
  };
}

function describeServing({
  timeoutMs,
  required,
  accept,
  onFailure,
}: ServingPlan): ServiceDescription['serving'] {
  return {
    timeoutMs: timeoutMs ?? SERVING_LIMITS.requestTimeoutMs,
    ...{ required, accept, onFailure: onFailure.kind },
    lastKnownMs: onFailure.kind === 'last_known' ? onFailure.withinMs : null,
  };
}

function describeOutput(plan: ProjectPlan, output: ServiceFeaturePlan): FeatureDescription {
  const view = present(
    viewNamed(plan.views, output.view, output.version),
    `the plan has the view '${output.view}@${output.version}'`,
  );
  return describeFeature(output.name, view, output.feature, personalFeatures(plan, view));
}

function describeFeature(
  name: string,
  view: ViewPlan,
  featureName: string,
  personal: ReadonlySet<string>,
): FeatureDescription {
  const feature = present(
    view.features.find((one) => one.name === featureName),
    `the view '${view.name}' has the feature '${featureName}'`,
  );
  return {
    name,
    type: typeText(feature.type),
    ...roundingOf(feature.type),
    from: `${view.name}@${view.version}.${feature.name}`,
    default: describeDefault(feature),
    description: feature.meta.description,
    owner: feature.meta.owner ?? view.meta.owner,
    tags: tagsOf(feature, personal),
  };
}

function roundingOf(type: ValueType): Pick<FeatureDescription, 'rounding'> {
  const rounding = keptErrorText(type);
  return rounding === null ? {} : { rounding };
}

/** JSON-safe: decimals and integers beyond 2^53 are text. */
function describeDefault(
  feature: Pick<FeaturePlan, 'type' | 'default'>,
): string | number | boolean | null {
  const value = scalarOfLiteral(feature.type, feature.default);
  if (feature.type.kind === 'decimal' && (typeof value === 'number' || typeof value === 'bigint')) {
    return formatDecimal(value, feature.type.scale);
  }
  return typeof value === 'bigint' ? String(value) : value;
}
