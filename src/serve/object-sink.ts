import { present } from '../base/assert.ts';
import type { FeatureResponse, FeatureRow } from './answer.ts';
import type { AnswerHead, AnswerRow, AnswerSink } from './answer-sink.ts';
import { keyValues, rowObject } from './compiled-service.ts';
import { failedNote } from './exceptional-text.ts';

/** The answer as objects, with values as the platform holds them: int64 is a `bigint` beyond 2^53. */
export function objectSink(head: AnswerHead): AnswerSink<FeatureResponse> {
  const { plan, deprecation, asOfMs, commit, degradation } = head;
  const { service, views } = plan;
  const freshness = head.freshness();
  const rows: FeatureRow[] = [];
  return {
    row: (row: AnswerRow) => {
      // The caller gave the key, and is answered by it.
      const key = keyValues(service.joinKeys, row.given);
      const failed = row.exception?.failed ?? [];
      const note = failed.length === 0 ? {} : { failed: failedNote(failed) };
      rows.push({ ...rowObject(plan, plan.outputs, row), key, ...note });
    },
    end: () => ({
      service: service.name,
      version: service.version,
      ...(deprecation === null ? {} : { deprecated: deprecation }),
      asOfMs,
      position: { commit },
      versions: Object.fromEntries(views.map((view) => [view.label, view.version])),
      freshness: Object.fromEntries(
        views.map((view, i) => [view.label, present(freshness[i], view.label)]),
      ),
      rows,
      ...(degradation === null ? {} : { degraded: degradation.views }),
    }),
  };
}
