/**
 * API keys, tokens behind `Bearer`, and passwords in addresses. Each of the expressions looks at a
 * character a bounded number of times: what somebody sends must not keep the process busy.
 */
const SECRETS: readonly (readonly [RegExp, string])[] = [
  [/asof_([0-9a-f]{16})_[A-Za-z0-9_-]{43}/g, 'asof_$1_[secret]'],
  [/(bearer +)[^\s,;"'\\]{8,}/gi, '$1[secret]'],
  [/([a-z][a-z0-9+.-]{0,31}:\/\/[^\s/:@"']*):[^\s/@"']+@/gi, '$1:[secret]@'],
];

/**
 * A text without what looks like a secret, for logs and errors: whatever put it there, nobody who
 * reads them may use it.
 */
export function withoutSecrets(text: string): string {
  const plain = SECRETS.reduce((rest, [pattern, shown]) => rest.replace(pattern, shown), text);
  return plain.includes(JWT_START) ? plain.replace(DOTTED, withoutJwts) : plain;
}

const JWT_START = 'eyJ';
const JWT_HEADER = 11;
/** Wherever a JWT stands, it is all of this. */
const DOTTED = /[A-Za-z0-9_.-]{13,}/g;

/** A header, a payload and a signature, one dot between each. */
function withoutJwts(text: string): string {
  const parts = text.split('.');
  const shown: string[] = [];
  for (let i = 0; i < parts.length; i++) {
    const part = parts[i] as string;
    const at = part.indexOf(JWT_START);
    const isJwt = at >= 0 && part.length - at >= JWT_HEADER && i + 2 < parts.length;
    shown.push(isJwt ? `${part.slice(0, at)}[secret]` : part);
    if (isJwt) i += 2;
  }
  return shown.join('.');
}
