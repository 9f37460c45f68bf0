import { AsofError } from '../../base/errors.ts';
import { AuditKeys } from '../../registry/audit-chain.ts';

/** Fewer characters than these are no key but a password. */
const KEY_CHARACTERS_MIN = 32;

/**
 * The keys that sign the audit: `ASOF_AUDIT_KEY`, the present one first, former ones after it, with
 * commas between them. None: the chain proves nothing against whoever can write the database.
 * @throws AsofError `invalid_config`, which does not show them
 */
export function auditKeys(
  environment: Readonly<Record<string, string | undefined>> = process.env,
): AuditKeys {
  const keys = (environment.ASOF_AUDIT_KEY ?? '')
    .split(',')
    .map((key) => key.trim())
    .filter((key) => key !== '');
  if (keys.some((key) => key.length < KEY_CHARACTERS_MIN)) {
    throw new AsofError('invalid_config', 'A key of ASOF_AUDIT_KEY is too short.', {
      path: 'ASOF_AUDIT_KEY',
      remedy: `Give ${KEY_CHARACTERS_MIN} characters or more, such as \`openssl rand -hex 32\` makes.`,
    });
  }
  return new AuditKeys(keys);
}
