import { FEATURE_RULES } from './compatibility-features.ts';
import { READER_RULES } from './compatibility-readers.ts';
import type { Compatibility, CompatibilityRule } from './compatibility-rule.ts';
import { SOURCE_RULES } from './compatibility-sources.ts';

export type { Compatibility, CompatibilityRule } from './compatibility-rule.ts';

/** The one table of what a change is. docs/compatibility.md is made from it; a test compares. */
export const COMPATIBILITY = {
  ...SOURCE_RULES,
  ...FEATURE_RULES,
  ...READER_RULES,
} as const satisfies Record<string, CompatibilityRule>;

export type RuleName = keyof typeof COMPATIBILITY;

/** One thing that differs between two forms of a definition. */
export interface Finding {
  readonly rule: RuleName;
  readonly sentence: string;
  /** The one column, feature or output that it is about; absent where it is about all. */
  readonly part?: string;
}

const ORDER: readonly Compatibility[] = ['metadata', 'compatible', 'breaking'];

export function classOf(rule: RuleName): Compatibility {
  return COMPATIBILITY[rule].class;
}

/** The class of all findings together: the worst one. Nothing at all is metadata. */
export function worstOf(findings: readonly Finding[]): Compatibility {
  const worst = findings.reduce(
    (most, { rule }) => Math.max(most, ORDER.indexOf(classOf(rule))),
    0,
  );
  return ORDER[worst] ?? 'breaking';
}

export function prefixed(prefix: string, findings: readonly Finding[]): Finding[] {
  return findings.map((one) => ({ ...one, sentence: `${prefix}${one.sentence}` }));
}
