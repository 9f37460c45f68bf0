import { isSealed } from '../base/seal.ts';
import type { DeadLetterPort, PushPort } from '../http/dependencies.ts';
import type { DeadLetters, StoredLetter } from '../ingest/dead-letters.ts';
import { isRow } from '../ingest/letter-readmission.ts';
import type { Shield } from '../ingest/shield.ts';
import type { ProjectPlan } from '../plan/plan.ts';

/** The door as the routes see it, under whatever plan is in use. */
export function pushPort(plan: () => ProjectPlan, push: PushPort['push']): PushPort {
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
  shieldOf: (source: string) => Shield | null,
): DeadLetterPort {
  return {
    readmit,
    count: (source) => letterCount(letters, source),
    counts: async (source) =>
      (await letters.counted(source)).map(({ source: _, ...counts }) => counts),
    newest: (source, limit, filter) => {
      const shield = shieldOf(source);
      return letters.newest(source, limit, filter).map((letter) => shown(letter, shield));
    },
    list: (source, filter) => shownEach(letters.list(source, filter), shieldOf(source)),
  };
}

export function letterCount(letters: DeadLetters, source: string): number {
  return letters.count(source).reduce((sum, one) => sum + one.count, 0);
}

/** An encrypted row is shown with tokens for ids. */
function shown(letter: StoredLetter, shield: Shield | null): object {
  const { raw } = letter;
  const text = shield === null || !isSealed(String(raw)) ? rawText(raw) : shield.shown(raw);
  return { ...letter, correctable: isRow(letter), raw: text };
}

function* shownEach(letters: Iterable<StoredLetter>, shield: Shield | null): Generator<object> {
  for (const letter of letters) yield shown(letter, shield);
}

/** Bytes that are no UTF-8 are shown as base64. */
function rawText(raw: string | Uint8Array): string {
  return typeof raw === 'string' ? raw : `base64:${Buffer.from(raw).toString('base64')}`;
}
