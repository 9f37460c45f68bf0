import {
  Code,
  ConnectError,
  createConnectRouter,
  type HandlerContext,
  type Interceptor,
} from '@connectrpc/connect';
import type {
  Compression,
  UniversalHandler,
  UniversalHandlerOptions,
} from '@connectrpc/connect/protocol';
import { codeToHttpStatus } from '@connectrpc/connect/protocol-connect';
import { compressionBrotli, compressionGzip } from '@connectrpc/connect-node';
import { AsofError } from '../../base/errors.ts';
import { LIMITS } from '../../base/limits.ts';
import { pause } from '../../base/pause.ts';
import { LOCAL_VIEWER } from '../../registry/access/viewer.ts';
import { ByteBudget } from '../byte-budget.ts';
import type { HttpDependencies } from '../dependencies.ts';
import { CALL } from './call-context.ts';
import { featureService } from './feature-service.ts';
import { FeatureService } from './generated/asof/v1/features_pb.ts';
import { Health } from './generated/grpc/health/v1/health_pb.ts';
import { healthService } from './health-service.ts';
import { correctTrailers } from './refused-messages.ts';
import { thrownError } from './rpc-errors.ts';

/** The handlers of all calls, by path. */
export function rpcHandlers(dependencies: HttpDependencies): ReadonlyMap<string, UniversalHandler> {
  const waiting = new ByteBudget(dependencies.waitingPushBytes ?? LIMITS.waitingPushBytes);
  const options: Partial<UniversalHandlerOptions> = {
    acceptCompression: [forgiving(compressionGzip), forgiving(compressionBrotli)],
    // Packed answers cost more time than they save where a feature store is asked; proxies can pack.
    compressMinBytes: Number.MAX_SAFE_INTEGER,
    readMaxBytes: Math.min(LIMITS.rpcMessageBytes, dependencies.bodyBytes ?? LIMITS.bodyBytes),
    interceptors: [withCodes(dependencies)],
    jsonOptions: { ignoreUnknownFields: false },
  };
  const features = createConnectRouter({ ...options, requestGate: admit(dependencies) });
  features.service(FeatureService, featureService(dependencies, waiting));
  // Streams of Connect have no trailers, and nobody asks for the health by them.
  const health = createConnectRouter({ ...options, connect: false, requestGate: watchTrailers });
  health.service(Health, healthService(dependencies.state, pause));
  const all = [...features.handlers, ...health.handlers];
  return new Map(all.map((handler) => [handler.requestPath, handler]));
}

function watchTrailers({ values, responseTrailer }: HandlerContext): void {
  const call = values.get(CALL);
  correctTrailers(responseTrailer, (code) => {
    call.status = codeToHttpStatus(code);
  });
}

/** Before a message is read it is known who asks, and whether anybody is answered now. */
function admit({ access, isOpen, state, logger }: HttpDependencies) {
  return async (context: HandlerContext): Promise<void> => {
    watchTrailers(context);
    const call = context.values.get(CALL);
    try {
      const now = state();
      if (!(isOpen?.() ?? now === 'ready'))
        throw new AsofError('not_ready', `The server is ${now}.`);
      const given = context.requestHeader.get('authorization') ?? undefined;
      call.viewer =
        access === undefined
          ? LOCAL_VIEWER
          : (access.known(given) ?? (await access.identify(given)));
    } catch (thrown) {
      throw thrownError(thrown, logger, { url: context.url, id: call.id });
    }
  };
}

/** Whatever a call throws leaves with a code of the platform. */
function withCodes({ logger }: HttpDependencies): Interceptor {
  return (next) => async (request) => {
    try {
      return await next(request);
    } catch (thrown) {
      const { id } = request.contextValues.get(CALL);
      throw thrownError(thrown, logger, { url: request.url, id });
    }
  };
}

/** Packed bytes that end too early are the caller's fault as well. */
function forgiving(compression: Compression): Compression {
  return {
    ...compression,
    decompress: async (bytes, readMaxBytes) => {
      try {
        return await compression.decompress(bytes, readMaxBytes);
      } catch (thrown) {
        const error = ConnectError.from(thrown);
        if (error.code !== Code.Internal) throw error;
        throw new ConnectError(error.rawMessage, Code.InvalidArgument);
      }
    },
  };
}
