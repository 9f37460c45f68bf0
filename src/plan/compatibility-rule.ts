import type { DefinitionKind } from './definition-kind.ts';

/** What a change of something that is there does to whoever reads it. */
export type Compatibility = 'metadata' | 'compatible' | 'breaking';

export interface CompatibilityRule {
  /** Whose definitions it is about. */
  readonly of: readonly DefinitionKind[];
  readonly class: Compatibility;
  /** What changed, in a few words. */
  readonly what: string;
  /** Why it is of that class, as a sentence. */
  readonly why: string;
  /** Whether values of features that were there before can differ. */
  readonly differs: boolean;
}

type Kinds = DefinitionKind | readonly DefinitionKind[];

const kinds = (of: Kinds): readonly DefinitionKind[] => (typeof of === 'string' ? [of] : of);

export function metadata(of: Kinds, what: string, why: string): CompatibilityRule {
  return { of: kinds(of), class: 'metadata', what, why, differs: false };
}

export function compatible(of: Kinds, what: string, why: string): CompatibilityRule {
  return { of: kinds(of), class: 'compatible', what, why, differs: false };
}

/** Values differ. */
export function breaking(of: Kinds, what: string, why: string): CompatibilityRule {
  return { of: kinds(of), class: 'breaking', what, why, differs: true };
}

/** No value that was there differs, and yet whoever reads it is broken. */
export function breakingReaders(of: Kinds, what: string, why: string): CompatibilityRule {
  return { of: kinds(of), class: 'breaking', what, why, differs: false };
}
