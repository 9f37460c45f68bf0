import { type ProblemNode, problemNode } from './node-parts.ts';

/** Something that a function refers to: another function's text, or data as JSON. */
export interface UsedNode {
  readonly name: string;
  readonly kind: 'code' | 'data';
  readonly text: string;
}

/**
 * A function as text that is an expression, types stripped. It is all that is kept of it: what it
 * closes over is not, so that the same text computes the same wherever it runs, and for ever.
 */
export function sourceOf(what: string, given: unknown): string | ProblemNode {
  if (typeof given !== 'function') {
    return problemNode(
      'invalid_definition',
      `${what} is no function.`,
      'Write (input) => ({ … }).',
    );
  }
  const text = Function.prototype.toString.call(given);
  if (/\{\s*\[native code\]\s*\}$/.test(text)) {
    const remedy = 'Write a function of its own that calls it.';
    return problemNode(
      'invalid_definition',
      `${what} is bound or built in: it has no text.`,
      remedy,
    );
  }
  if (/^(async\b|\*|function\s*\*)/.test(text)) {
    const remedy = 'Write a plain function; what it fetches comes from `network`, without await.';
    return problemNode('invalid_definition', `${what} is async or a generator.`, remedy);
  }
  if (/\bimport\b/.test(text)) {
    const remedy = 'Name what it needs under uses.';
    return problemNode('invalid_definition', `${what} has the word 'import'.`, remedy);
  }
  if (/^(function|class)\b/.test(text)) return text;
  const method = /^([A-Za-z_$][\w$]*)\s*\(/.exec(text)?.[1];
  if (method !== undefined) return `({ ${text} }).${method}`;
  if (!/^["'[\d]/.test(text)) return text;
  const remedy = 'Write it as an arrow function.';
  return problemNode('invalid_definition', `${what} is a method without a plain name.`, remedy);
}

/** What is named under `uses`, in the order written. */
export function usedNodes(given: unknown): (UsedNode | ProblemNode)[] {
  if (given === undefined) return [];
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    const remedy = 'Write uses: { haversine, LIMITS }.';
    return [problemNode('invalid_definition', 'uses is no object of names.', remedy)];
  }
  return Object.entries(given).map(([name, value]) => usedNode(name, value));
}

function usedNode(name: string, value: unknown): UsedNode | ProblemNode {
  if (!/^[A-Za-z_$][\w$]*$/.test(name) || RESERVED.has(name)) {
    const remedy = 'Use the name by which the function calls it.';
    return problemNode('invalid_name', `'${name}' cannot be a name under uses.`, remedy);
  }
  if (typeof value === 'function') {
    const text = sourceOf(`'${name}' under uses`, value);
    return typeof text === 'string' ? { name, kind: 'code', text } : text;
  }
  if (isData(value)) return { name, kind: 'data', text: JSON.stringify(value) };
  const remedy =
    'Give functions, or data of texts, finite numbers, booleans, null, lists and records.';
  return problemNode(
    'invalid_definition',
    `'${name}' under uses is neither code nor data.`,
    remedy,
  );
}

const RESERVED: ReadonlySet<string> = new Set(
  (
    'arguments await break case catch class const continue debugger default delete do else enum ' +
    'eval export extends false finally for function if implements import in instanceof interface ' +
    'let new null package private protected public return static super switch this throw true ' +
    'try typeof undefined var void while with yield'
  ).split(' '),
);

/** What JSON holds without a loss. */
function isData(value: unknown, depth = 0): boolean {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return true;
  if (typeof value === 'number') return Number.isFinite(value) && !Object.is(value, -0);
  if (typeof value !== 'object' || depth > 16) return false;
  if (Array.isArray(value)) return value.every((one) => isData(one, depth + 1));
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return false;
  return Object.entries(value).every(
    ([name, one]) => name !== '__proto__' && isData(one, depth + 1),
  );
}
