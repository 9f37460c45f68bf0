import type { HandlerContext, ServiceImpl } from '@connectrpc/connect';
import { AsofError } from '../../base/errors.ts';
import { LIMITS } from '../../base/limits.ts';
import type { ActionName } from '../../registry/access/policy.ts';
import type { Viewer } from '../../registry/access/viewer.ts';
import { columnarSink } from '../../serve/columnar-answer.ts';
import { unknownService } from '../../serve/unknown-names.ts';
import type { ByteBudget } from '../byte-budget.ts';
import type { HttpDependencies, PushOutcome } from '../dependencies.ts';
import { FeatureDoor } from '../feature-door.ts';
import { requireService } from '../feature-guard.ts';
import { requireSource, unknownSource } from '../known-sources.ts';
import { askedFeatures } from './asked-features.ts';
import { CALL } from './call-context.ts';
import { featuresMessage } from './features-message.ts';
import type { FeatureService, PushRequest, PushResponse } from './generated/asof/v1/features_pb.ts';
import { pushedRows } from './push-rows.ts';
import { serviceMessage } from './service-message.ts';

type Service = ServiceImpl<typeof FeatureService>;

/** What each call does, for access control. */
const RPC_ACTIONS = {
  getFeatures: 'features.read',
  describeService: 'services.read',
  listServices: 'services.list',
  push: 'features.push',
} as const satisfies Readonly<Record<keyof Service, ActionName>>;

/** The calls of `asof.v1.FeatureService`: messages in and out; the work is done elsewhere. */
export function featureService(dependencies: HttpDependencies, waiting: ByteBudget): Service {
  const { features } = dependencies;
  const door = new FeatureDoor(dependencies);
  const open = columnarSink(featuresMessage);
  return {
    getFeatures: (message, context) => {
      const { viewer, receivedMs } = callOf(context);
      const request = askedFeatures(message, context.timeoutMs(), receivedMs);
      callOf(context).rows = request.rows.length;
      return door.answer(request, viewer, open);
    },
    describeService: ({ name, version }, context) => {
      const { viewer } = callOf(context);
      const known = (): string[] => viewer.visible(features.services()).map((one) => one.name);
      requireNamed(viewer, RPC_ACTIONS.describeService, name, () => unknownService(name, known()));
      requireService(features, name, viewer);
      return { service: serviceMessage(features.service(name, version)) };
    },
    listServices: (_message, context) => {
      const { viewer } = callOf(context);
      viewer.require(RPC_ACTIONS.listServices);
      return { services: viewer.visible(features.services()).map(serviceMessage) };
    },
    push: async (message, context) => pushed(dependencies, waiting, message, context),
  };
}

/** Names that may not be known of get the answer of names that do not exist. */
function requireNamed(
  viewer: Viewer,
  action: ActionName,
  name: string,
  unknown: () => AsofError,
): void {
  viewer.require(action, [name], unknown);
}

function callOf({ values }: HandlerContext) {
  return values.get(CALL);
}

async function pushed(
  { ingestor }: HttpDependencies,
  waiting: ByteBudget,
  message: PushRequest,
  context: HandlerContext,
): Promise<Pick<PushResponse, 'received' | 'accepted' | 'rejected' | 'commit'>> {
  const { viewer } = callOf(context);
  const { source, schemaVersion = null } = message;
  const known = (): string[] => [...ingestor.sources].filter((one) => viewer.mayRead(one));
  requireNamed(viewer, RPC_ACTIONS.push, source, () => unknownSource(source, known()));
  requireSource(source, ingestor.sources, viewer);
  const { rows, bytes } = pushedRows(message);
  if (bytes === 0) throw new AsofError('bad_request', 'The push has no row.', { path: 'body' });
  const outcome = await waiting.hold(bytes, () => ingestor.push(source, rows, schemaVersion));
  callOf(context).rows = outcome.received;
  return pushAnswer(outcome);
}

function pushAnswer({ received, accepted, rejected, commit, rows }: PushOutcome) {
  return {
    ...{ received, accepted, rejected },
    commit: BigInt(commit),
    rejections: rows.slice(0, LIMITS.rejectionsPerAnswer).map((one) => ({
      row: one.row,
      code: one.code,
      column: one.column ?? '',
      message: one.message,
      remedy: one.remedy,
    })),
  };
}
