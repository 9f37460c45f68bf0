import { durationMs } from '../base/duration.ts';
import { type Issue, issue } from '../base/errors.ts';

/** How long things are kept that nothing needs any more, in milliseconds; null: for ever. */
export interface RetentionConfig {
  readonly deadLettersMs: number | null;
  readonly serveLogMs: number | null;
  readonly archiveMs: number | null;
}

const DAY_MS = 86_400_000;

const NO_RETENTION: RetentionConfig = {
  deadLettersMs: null,
  serveLogMs: null,
  archiveMs: null,
};

const KNOWN = ['deadLetters', 'serveLog', 'archive'];

/** `retention` of `asof.json`: durations of at least a day, and what is wrong with them. */
export function readRetention(value: unknown): {
  readonly retention: RetentionConfig;
  readonly issues: readonly Issue[];
} {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    const text = `retention is ${JSON.stringify(value)}.`;
    const remedy = 'It must be an object of durations.';
    return {
      retention: NO_RETENTION,
      issues: [issue('invalid_config', 'retention', text, remedy)],
    };
  }
  const issues: Issue[] = [];
  const given = new Map<string, number>();
  for (const [name, text] of Object.entries(value)) {
    const path = `retention.${name}`;
    const keptMs = daysMs(text);
    if (!KNOWN.includes(name)) {
      const known = `Known: ${KNOWN.join(', ')}.`;
      issues.push(issue('invalid_config', path, `'${name}' is nothing that is kept.`, known));
    } else if (keptMs === null) {
      const shown = JSON.stringify(text);
      const remedy = "It must be a duration of at least a day, such as '90d'.";
      issues.push(issue('invalid_config', path, `${path} is ${shown}.`, remedy));
    } else given.set(name, keptMs);
  }
  const retention = {
    deadLettersMs: given.get('deadLetters') ?? null,
    serveLogMs: given.get('serveLog') ?? null,
    archiveMs: given.get('archive') ?? null,
  };
  return { retention, issues };
}

function daysMs(value: unknown): number | null {
  try {
    const keptMs = typeof value === 'string' ? durationMs(value) : 0;
    return keptMs >= DAY_MS ? keptMs : null;
  } catch {
    return null;
  }
}
