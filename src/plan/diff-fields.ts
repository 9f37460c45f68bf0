import type { Finding, RuleName } from './compatibility.ts';
import type { ExpectationPlan, Meta } from './plan.ts';

/** Fields of one thing as text, by label. */
export type Fields = ReadonlyMap<string, string>;

export function addMeta(fields: Map<string, string>, prefix: string, meta: Meta): void {
  if (meta.owner !== null) fields.set(`${prefix}owner`, `'${meta.owner}'`);
  if (meta.description !== null) fields.set(`${prefix}description`, `'${meta.description}'`);
  if (meta.tags.length > 0) fields.set(`${prefix}tags`, meta.tags.join(', '));
  if (meta.risk !== undefined) fields.set(`${prefix}risk`, meta.risk);
}

/** What is expected of each column or feature, a field each. */
export function addExpectations(
  fields: Map<string, string>,
  expectations: Readonly<Record<string, ExpectationPlan>>,
): void {
  for (const [name, one] of Object.entries(expectations)) {
    const parts = [
      bound('at least', one.min),
      bound('at most', one.max),
      bound('nulls at most', one.nullShareMax),
      bound('distinct at least', one.distinctMin),
      bound('median within a factor of', one.medianFactorMax),
    ];
    const text = parts.filter((part) => part !== null).join(', ');
    if (text !== '') fields.set(`expected of ${name}`, text);
  }
}

function bound(words: string, value: number | null): string | null {
  return value === null ? null : `${words} ${value}`;
}

/** By label, or by how labels begin, which rule tells of a field. */
export type RuleOf = (label: string) => RuleName;

/** One sentence a field: added, removed, or from what to what. */
export function findings(before: Fields, after: Fields, ruleOf: RuleOf): Finding[] {
  const found: Finding[] = [];
  for (const label of new Set([...before.keys(), ...after.keys()])) {
    const sentence = sentenceOf(label, before.get(label), after.get(label));
    if (sentence !== null) found.push({ rule: ruleOf(label), sentence });
  }
  return found;
}

function sentenceOf(label: string, old?: string, now?: string): string | null {
  if (old === now) return null;
  if (old === undefined) return `${label} added: ${now}`;
  return now === undefined ? `${label} removed: ${old}` : `${label}: ${old} → ${now}`;
}
