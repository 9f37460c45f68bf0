import { LIMITS } from '../base/limits.ts';
import { ValueProblem } from '../schema/read-value.ts';
import { malformedAt } from './json-places.ts';

/** Why a text is not one JSON value. */
export class Malformed {
  readonly problem: ValueProblem;
  constructor(problem: ValueProblem) {
    this.problem = problem;
  }
}

/** The value of a JSON text, or what is wrong with it and where. */
export function parseWhole(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const message = `The body is not JSON: ${reasonOf(error)}${placeIn(text)}.`;
    const remedy = 'Send one JSON value; for one object a line, send application/x-ndjson.';
    return new Malformed(new ValueProblem('malformed_json', message, remedy));
  }
}

function placeIn(text: string): string {
  if (text.length > LIMITS.malformedTextLocated) return '';
  const at = malformedAt(text);
  const lines = text.slice(0, at).split('\n');
  const column = (lines.at(-1) ?? '').length + 1;
  return ` (at position ${at}: line ${lines.length}, column ${column})`;
}

export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
