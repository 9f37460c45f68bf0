/** What does not change meaning, and so is not part of a hash (semantics §7). */
export interface Meta {
  readonly owner: string | null;
  readonly description: string | null;
  readonly tags: readonly string[];
  /** Only a named role other than the author lets it become active; absent where anybody may. */
  readonly risk?: 'high';
}
