import type { DeadLetterPort, PushOutcome, PushPort } from '../http/dependencies.ts';
import type { DeadLetters } from '../ingest/dead-letters.ts';
import type { PushBody } from '../ingest/push-body.ts';
import type { ProjectPlan } from '../plan/plan.ts';

/** The door as the routes see it, under whatever plan is in use. */
export function pushPort(
  plan: () => ProjectPlan,
  push: (source: string, body: PushBody) => Promise<PushOutcome>,
): PushPort {
  return {
    push,
    get sources() {
      return plan().sources.map((source) => source.name);
    },
  };
}

/** The dead letters as the routes see them. */
export function letterPort(
  letters: DeadLetters,
  readmit: DeadLetterPort['readmit'],
): DeadLetterPort {
  return {
    readmit,
    count: (source) => letterCount(letters, source),
    newest: (source, limit) =>
      letters
        .newest(source, limit)
        .map((letter): object => ({ ...letter, raw: rawText(letter.raw) })),
  };
}

export function letterCount(letters: DeadLetters, source: string): number {
  return letters.count(source).reduce((sum, one) => sum + one.count, 0);
}

/** Bytes that are no UTF-8 are shown as base64. */
function rawText(raw: string | Uint8Array): string {
  return typeof raw === 'string' ? raw : `base64:${Buffer.from(raw).toString('base64')}`;
}
