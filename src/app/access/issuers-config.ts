import { resolve } from 'node:path';
import { type Issue, issue } from '../../base/errors.ts';

/** Signatures that are made with a private key; with shared secrets whoever verifies could sign. */
const ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
] as const;

/** One that signs JWTs which are accepted. */
export interface IssuerConfig {
  /** Exactly as `iss` says it. */
  readonly issuer: string;
  readonly audience: readonly string[];
  readonly jwks: { readonly file: string } | { readonly url: string };
  readonly algorithms: readonly string[];
  readonly claims: {
    /** Claims whose values grants can name: `groups`. */
    readonly roles: readonly string[];
    /** Claims whose values are labels. */
    readonly labels: readonly string[];
  };
}

const KNOWN = ['issuer', 'audience', 'jwks', 'algorithms', 'claims'];

/** `access` of `asof.json`: who signs tokens, and what is wrong with it. */
export function readIssuers(
  value: unknown,
  root: string,
): { readonly issuers: readonly IssuerConfig[]; readonly issues: readonly Issue[] } {
  const listed = isObject(value) ? (value.issuers ?? []) : null;
  if (!isObject(value) || !Array.isArray(listed)) {
    return { issuers: [], issues: [wrong('access', value, 'an object with a list `issuers`')] };
  }
  const issues: Issue[] = Object.keys(value)
    .filter((name) => name !== 'issuers')
    .map((name) => issue('invalid_config', `access.${name}`, `'${name}' is no setting of access.`));
  const issuers = listed.flatMap((one: unknown, i) => {
    const read = readIssuer(one, `access.issuers[${i}]`, root, issues);
    return read === null ? [] : [read];
  });
  const names = issuers.map(({ issuer }) => issuer);
  for (const twice of new Set(names.filter((name, i) => names.indexOf(name) !== i))) {
    issues.push(issue('invalid_config', 'access.issuers', `'${twice}' is listed twice.`));
  }
  return { issuers, issues };
}

function readIssuer(
  value: unknown,
  path: string,
  root: string,
  issues: Issue[],
): IssuerConfig | null {
  if (!isObject(value)) {
    issues.push(wrong(path, value, 'an object'));
    return null;
  }
  const before = issues.length;
  for (const name of Object.keys(value)) {
    if (KNOWN.includes(name)) continue;
    issues.push(
      issue('invalid_config', `${path}.${name}`, `'${name}' is no setting of an issuer.`),
    );
  }
  const { issuer, claims = {} } = value;
  if (typeof issuer !== 'string' || issuer === '') {
    issues.push(wrong(`${path}.issuer`, issuer, 'the text of `iss`'));
  }
  const audience = texts(value.audience, `${path}.audience`, 'what `aud` must name', issues);
  if (audience.length === 0) issues.push(wrong(`${path}.audience`, value.audience, 'not empty'));
  const algorithms = texts(value.algorithms, `${path}.algorithms`, 'a list such as ES256', issues);
  const strange = algorithms.filter((name) => !ALGORITHMS.some((known) => known === name));
  if (algorithms.length === 0 || strange.length > 0) {
    const expected = `some of ${ALGORITHMS.join(', ')}`;
    issues.push(wrong(`${path}.algorithms`, value.algorithms, expected));
  }
  const jwks = readJwks(value.jwks, `${path}.jwks`, root, issues);
  const named = isObject(claims) ? claims : {};
  if (!isObject(claims)) issues.push(wrong(`${path}.claims`, claims, '{ roles, labels }'));
  const roles = texts(named.roles ?? [], `${path}.claims.roles`, 'names of claims', issues);
  const labels = texts(named.labels ?? [], `${path}.claims.labels`, 'names of claims', issues);
  if (issues.length > before || jwks === null) return null;
  return { issuer: String(issuer), audience, algorithms, jwks, claims: { roles, labels } };
}

function readJwks(
  value: unknown,
  path: string,
  root: string,
  issues: Issue[],
): IssuerConfig['jwks'] | null {
  if (typeof value === 'string' && value !== '') {
    const url = URL.canParse(value) ? new URL(value) : null;
    if (url === null || url.protocol === 'file:') {
      return { file: url === null ? resolve(root, value) : url.pathname };
    }
    const isLoopback = ['127.0.0.1', 'localhost', '[::1]'].includes(url.hostname);
    const hasSecret = url.username !== '' || url.password !== '';
    if ((url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback)) && !hasSecret) {
      return { url: value };
    }
  }
  const expected = 'a file, or an https address without a password';
  // What was written is not shown: it may hold a password.
  issues.push(
    issue('invalid_config', path, `${path} is not ${expected}.`, `It must be ${expected}.`),
  );
  return null;
}

/** One text or a list of texts. */
function texts(value: unknown, path: string, expected: string, issues: Issue[]): string[] {
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  const read = list.filter((one) => typeof one === 'string' && one !== '').map(String);
  if (read.length !== list.length) issues.push(wrong(path, value, expected));
  return read;
}

function wrong(path: string, value: unknown, expected: string): Issue {
  const shown = JSON.stringify(value) ?? 'absent';
  return issue('invalid_config', path, `${path} is ${shown}.`, `It must be ${expected}.`);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
