const LOOPBACK = /^(127(\.\d{1,3}){3}|localhost|::1|\[::1\])$/;

/**
 * What is to be said at a start: whoever reaches the address may read and write everything. Null
 * where nobody else reaches it, or everybody is asked who they are.
 */
export function openWarning(host: string, accessEnabled: boolean): string | null {
  if (accessEnabled || LOOPBACK.test(host)) return null;
  return (
    `Access control is off, and ${host} can be reached from elsewhere: whoever does may read and ` +
    'write everything. Turn it on with `asof access init`, or listen on 127.0.0.1.'
  );
}
