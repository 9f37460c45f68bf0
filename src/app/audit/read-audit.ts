import type { Viewer } from '../../registry/access/viewer.ts';
import type { AuditFilter } from '../../registry/audit.ts';
import type { AuditHead, StoredAuditEntry } from '../../registry/audit-chain.ts';
import type { AuditReport } from '../../registry/audit-verify.ts';
import type { Registry } from '../../registry/registry.ts';

/**
 * The newest entries that fit, of the namespaces that whoever asks is an admin of; of others there
 * are none, as of such that do not exist. What concerns no single one is for admins of all.
 * @throws AsofError `forbidden`
 */
export async function listAudit(
  { audit }: Registry,
  viewer: Viewer,
  filter: Omit<AuditFilter, 'namespaces'> & { readonly namespace?: string },
): Promise<StoredAuditEntry[]> {
  const { namespace, ...rest } = filter;
  viewer.require('audit.read');
  const asked = namespace === undefined ? null : [namespace];
  if (viewer.has('admin', '*')) {
    return audit.list({ ...rest, ...(asked === null ? {} : { namespaces: asked }) });
  }
  const own = viewer.principal.grants
    .map((grant) => grant.namespace)
    .filter((one) => viewer.has('admin', one));
  const namespaces = (asked ?? own).filter((one) => own.includes(one));
  return audit.list({ ...rest, namespaces: [...new Set(namespaces)] });
}

/** @throws AsofError `forbidden` */
export async function verifyAudit(
  { audit }: Registry,
  viewer: Viewer,
  expected: AuditHead | null,
  progress: (done: number, total: number) => void,
): Promise<AuditReport> {
  viewer.require('audit.verify');
  return audit.verify(expected, progress);
}

/** @throws AsofError `forbidden` */
export async function auditHead({ audit }: Registry, viewer: Viewer): Promise<AuditHead> {
  viewer.require('audit.verify');
  return audit.head();
}

/** Every entry, in order, as it is stored: with the hashes that prove it. @throws AsofError `forbidden` */
export function allEntries({ audit }: Registry, viewer: Viewer): AsyncIterable<StoredAuditEntry> {
  viewer.require('audit.verify');
  return audit.entriesAfter();
}
