import { EVERY_NAMESPACE } from '../../registry/audit.ts';
import type { AuditEntry } from '../../registry/audit-entry.ts';
import { namespaceOf } from '../../schema/types.ts';

/**
 * A refusal, or a read of restricted columns, as the audit keeps it.
 * @param target the names that were asked for, with spaces between
 */
export function accessNote(
  actor: string,
  action: string,
  target: string,
  reason: string,
  outcome: 'denied' | 'done' = 'denied',
): Omit<AuditEntry, 'atMs'> {
  const names = target === '' ? [] : target.split(' ');
  const spaces = new Set(names.map(namespaceOf));
  const namespace = spaces.size === 1 ? [...spaces].join('') : EVERY_NAMESPACE;
  return { actor, action, namespace, target, outcome, details: { reason } };
}
