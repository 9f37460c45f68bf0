import { type AnyListener, isGrpc } from '../any-version.ts';
import type { HttpDependencies } from '../dependencies.ts';

const PATHS = ['/asof.v1.', '/grpc.health.v1.'];

/**
 * Answers gRPC, gRPC-Web and Connect, on whatever server it listens to; other requests go on. gRPC
 * itself takes HTTP/2, as its status is in trailers.
 */
export function rpcListener(dependencies: HttpDependencies, others: AnyListener): AnyListener {
  // The libraries take a while to load: a server does so as it starts, and commands do not.
  const loaded = import('./rpc-calls.ts').then(({ RpcCalls }) => new RpcCalls(dependencies));
  loaded.catch((error: unknown) => {
    dependencies.logger.error({ error: String(error) }, 'gRPC cannot be answered.');
  });
  return (request, response) => {
    const { url = '' } = request;
    if (!PATHS.some((path) => url.startsWith(path)) && !isGrpc(request)) {
      others(request, response);
      return;
    }
    const path = url.split('?', 1).join('');
    loaded.then((calls) => calls.answer(path, request, response)).catch(() => response.destroy());
  };
}
