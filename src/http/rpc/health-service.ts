import { Code, ConnectError, type ServiceImpl } from '@connectrpc/connect';
import { AsofError } from '../../base/errors.ts';
import { LIMITS } from '../../base/limits.ts';
import type { Pause } from '../../base/pause.ts';
import type { HttpDependencies } from '../dependencies.ts';
import { FeatureService } from './generated/asof/v1/features_pb.ts';
import {
  type Health,
  HealthCheckResponse_ServingStatus as Serving,
} from './generated/grpc/health/v1/health_pb.ts';
import { rpcError } from './rpc-errors.ts';

/** The health protocol of gRPC: open to everybody, as it tells nothing else. */
export function healthService(
  state: HttpDependencies['state'],
  pause: Pause,
): ServiceImpl<typeof Health> {
  let watchers = 0;
  const now = (): Serving => (state() === 'ready' ? Serving.SERVING : Serving.NOT_SERVING);
  return {
    check: ({ service }) => {
      if (!isKnown(service)) {
        throw new ConnectError('There is no such service.', Code.NotFound);
      }
      return { status: now() };
    },
    async *watch({ service }, { signal }) {
      if (watchers >= LIMITS.healthWatchers) {
        throw rpcError(new AsofError('overloaded', 'Too many watch the health already.'));
      }
      watchers += 1;
      try {
        let told: Serving | null = null;
        while (!signal.aborted) {
          const status = isKnown(service) ? now() : Serving.SERVICE_UNKNOWN;
          if (status !== told) yield { status };
          told = status;
          await pause(LIMITS.healthLookMs, signal).catch(() => {});
        }
      } finally {
        watchers -= 1;
      }
    },
  };
}

function isKnown(service: string): boolean {
  return service === '' || service === FeatureService.typeName;
}
