/** Says that a letter was taken again. */
export interface LetterMark {
  readonly id: string;
  /** The reason it was refused for at first; null in marks that do not say it. */
  readonly code: string | null;
}

/** Null for a line that is none: a crash may leave a damaged one. */
export function parseMark(line: string): LetterMark | null {
  let parsed: unknown;
  try {
    parsed = JSON.parse(line);
  } catch {
    return null;
  }
  const [id, code = null] = Array.isArray(parsed) ? parsed : [parsed];
  if (typeof id !== 'string') return null;
  return { id, code: code === null ? null : String(code) };
}
