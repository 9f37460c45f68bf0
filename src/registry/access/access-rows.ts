import type { PartRule } from '../../plan/restricted-parts.ts';
import type { ApiKey, Identity } from './access-snapshot.ts';
import { ROLES, type Role } from './principal.ts';

export function isRole(text: string): text is Role {
  return ROLES.some((role) => role === text);
}

interface RuleRow {
  readonly kind: string;
  readonly definition: string;
  readonly part: string;
  readonly label: string;
}

export function ruleOf({ kind, definition, part, label }: RuleRow): PartRule {
  return { kind: kind === 'feature' ? 'feature' : 'column', definition, part, label };
}

interface IdentityRow {
  readonly name: string;
  readonly labels: string;
  readonly disabled: number;
  readonly created_ms: number;
}

export function identityOf({ name, labels, disabled, created_ms }: IdentityRow): Identity {
  const parsed: unknown = JSON.parse(labels);
  const list = Array.isArray(parsed) ? parsed.map(String) : [];
  return { name, labels: list, disabled: disabled === 1, createdMs: created_ms };
}

interface KeyRow {
  readonly id: string;
  readonly identity: string;
  readonly hash: string;
  readonly created_ms: number;
  readonly expires_ms: number | null;
  readonly revoked_ms: number | null;
  readonly last_used_ms: number | null;
}

export function keyOf(row: KeyRow): ApiKey {
  return {
    id: row.id,
    identity: row.identity,
    hash: row.hash,
    createdMs: row.created_ms,
    expiresMs: row.expires_ms,
    revokedMs: row.revoked_ms,
    lastUsedMs: row.last_used_ms,
  };
}
