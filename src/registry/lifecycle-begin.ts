import type { RegistryDatabase } from './database.ts';
import { firstState } from './lifecycle.ts';
import { type AppliedVersion, approvalReason, type LifecycleFacts } from './lifecycle-applied.ts';
import type { ChangedBy } from './namespaces.ts';
import { portions } from './portions.ts';

/** A version with the digest of all that is applied of it. */
export interface DigestedVersion extends AppliedVersion {
  readonly digest: string;
}

/** Versions that no apply has brought before: active where nothing asks for approval, else drafts. */
export async function beginVersions(
  db: RegistryDatabase,
  versions: readonly DigestedVersion[],
  facts: LifecycleFacts,
  { actor, nowMs }: ChangedBy,
): Promise<void> {
  const begun = versions.map((version) => {
    const reason = approvalReason(version, facts, versions);
    return { ...version, reason, state: firstState(reason !== null) };
  });
  for (const batch of portions(begun)) {
    await db
      .insertInto('lifecycle')
      .values(
        batch.map(({ kind, name, version, state, digest, reason, marks, risk }) => ({
          ...{ kind, name, version, state, digest, reason, risk, marks: JSON.stringify(marks) },
          ...{ author: actor, content_author: actor, submitted_by: null, round: 0 },
          ...{ since_ms: nowMs, deprecated_until_ms: null, successor: null },
        })),
      )
      .execute();
    await db
      .insertInto('lifecycle_events')
      .values(
        batch.map(({ kind, name, version, state, digest, reason }) => ({
          ...{ kind, name, version, digest, reason, event: 'apply', from_state: null },
          ...{ to_state: state, at_ms: nowMs, actor },
        })),
      )
      .execute();
  }
}
