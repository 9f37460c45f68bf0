import { LIMITS } from '../../base/limits.ts';
import type { AnyListener, AnyRequest } from '../../http/any-version.ts';

/** What a process without an engine answers itself: by path, with the methods. */
const LOCAL: readonly { readonly path: RegExp; readonly methods: readonly string[] }[] = [
  { path: /^\/v1\/features$/, methods: ['POST'] },
  { path: /^\/v1\/services(\/[^/]+)?$/, methods: ['GET'] },
  { path: /^\/(healthz|readyz|openapi\.json)$/, methods: ['GET'] },
  { path: /^\/(get-online-features|health|retrieve-online-documents)$/, methods: ['GET', 'POST'] },
  { path: /^\/(asof\.v1|grpc\.health\.v1)\./, methods: ['GET', 'POST', 'OPTIONS'] },
];

/** What tells of one process: of a worker, the primary tells it of all. */
const OWN = /^\/(metrics|v1\/status)$/;

/** Requests that need no engine go to the listener, the others elsewhere. */
export function splitRequests(
  local: AnyListener,
  beyond: AnyListener,
  tellsOfItself: () => boolean,
): AnyListener {
  return (request, response) => {
    if (isLocal(request, tellsOfItself)) local(request, response);
    else beyond(request, response);
  };
}

function isLocal({ url = '', method = '' }: AnyRequest, tellsOfItself: () => boolean): boolean {
  if (url.length > LIMITS.routedUrlChars) return true;
  const [path = ''] = url.split('?', 1);
  if (OWN.test(path)) return tellsOfItself();
  return LOCAL.some((one) => one.path.test(path) && one.methods.includes(method));
}
