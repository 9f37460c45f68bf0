/** API keys, tokens behind `Bearer`, JWTs, and passwords in addresses. */
const SECRETS: readonly (readonly [RegExp, string])[] = [
  [/asof_([0-9a-f]{16})_[A-Za-z0-9_-]{43}/g, 'asof_$1_[secret]'],
  [/(bearer +)[^\s,;"'\\]{8,}/gi, '$1[secret]'],
  [/eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*\.[A-Za-z0-9_-]*/g, '[secret]'],
  [/([a-z][a-z0-9+.-]*:\/\/[^\s/:@"']*):[^\s/@"']+@/gi, '$1:[secret]@'],
];

/**
 * A text without what looks like a secret, for logs and errors: whatever put it there, nobody who
 * reads them may use it.
 */
export function withoutSecrets(text: string): string {
  return SECRETS.reduce((rest, [pattern, shown]) => rest.replace(pattern, shown), text);
}
