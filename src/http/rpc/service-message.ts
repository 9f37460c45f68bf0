import { create } from '@bufbuild/protobuf';
import type { ServiceDescription, ServingDescription } from '../../serve/answer.ts';
import { deprecationMessage } from './features-message.ts';
import { type Service, ServiceSchema } from './generated/asof/v1/features_pb.ts';

/** What to send to a service and what comes back. */
export function serviceMessage(one: ServiceDescription): Service {
  const deprecation = one.deprecation ?? null;
  return create(ServiceSchema, {
    name: one.name,
    version: one.version,
    state: one.state ?? '',
    ...(deprecation === null ? {} : { deprecated: deprecationMessage(deprecation) }),
    ...ofMeta(one),
    serving: servingMessage(one.serving),
    keys: one.keys.map(({ name, type }) => ({ name, type, optional: false })),
    request: one.request.map(({ name, type, optional }) => ({ name, type, optional })),
    features: one.features.map((feature) => ({
      name: feature.name,
      type: feature.type,
      from: feature.from,
      defaultJson: JSON.stringify(feature.default),
      ...ofMeta(feature),
    })),
  });
}

function servingMessage({ lastKnownMs, required, accept, ...rest }: ServingDescription) {
  return {
    ...rest,
    ...{ required: [...required], accept: [...accept] },
    ...(lastKnownMs === null ? {} : { lastKnownMs: BigInt(lastKnownMs) }),
  };
}

function ofMeta({
  description,
  owner,
  tags,
}: Pick<ServiceDescription, 'description' | 'owner' | 'tags'>) {
  return { description: description ?? '', owner: owner ?? '', tags: [...tags] };
}
