/**
 * The file of a worker thread beside the caller: `.ts` when sources run as they are, `.js` in the
 * published build.
 *
 * @example workerUrl('./definitions-worker', import.meta.url)
 */
export function workerUrl(name: string, callerUrl: string): URL {
  return new URL(`${name}${callerUrl.endsWith('.ts') ? '.ts' : '.js'}`, callerUrl);
}
