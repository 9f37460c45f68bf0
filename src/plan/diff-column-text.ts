import { presentName } from '../schema/evolution.ts';
import { formatDecimal } from '../schema/json.ts';
import {
  type ColumnSchema,
  type SchemaStep,
  type SourceSchema,
  sameType,
  typeText,
} from '../schema/types.ts';
import { isWidening } from '../schema/widening.ts';
import { canonicalJson } from './canonical.ts';
import type { Finding, RuleName } from './compatibility.ts';

/** What differs in the columns of a source, which go by their first names. */
export function columnFindings(before: SourceSchema, after: SourceSchema): Finding[] {
  const named = ({ columns }: SourceSchema) => new Map(columns.map((one) => [one.name, one]));
  const [old, now] = [named(before), named(after)];
  const found: Finding[] = [];
  const steps = (after.evolution ?? []).slice(before.evolution?.length ?? 0);
  for (const name of new Set([...old.keys(), ...now.keys()])) {
    const [was, is] = [old.get(name), now.get(name)];
    if (was === undefined && is !== undefined) {
      const sentence = `column ${presentName(is)} added: ${columnText(is)}`;
      found.push({ rule: ruleOfAdded(is), part: name, sentence });
    } else if (was !== undefined && is === undefined) {
      const sentence = `column ${presentName(was)} removed: ${columnText(was)}`;
      found.push({ rule: 'column_removed', part: name, sentence });
    } else if (was !== undefined && is !== undefined) {
      const sentence = changedText(was, is);
      for (const rule of rulesOfChanged(was, is, steps)) found.push({ rule, part: name, sentence });
    }
  }
  if (isRewritten(before.evolution ?? [], after.evolution ?? [])) {
    const sentence = 'a schema version that was declared is another, or is gone';
    found.push({ rule: 'evolution_rewritten', sentence });
  }
  return found;
}

/** Under the name that the column has now; a rename says what it was called before. */
function changedText(was: ColumnSchema, is: ColumnSchema): string {
  const [former, now] = [presentName(was), presentName(is)];
  const renamed = former === now ? [] : [`${former} renamed to ${now}`];
  const [from, to] = [columnText(was), columnText(is)];
  const changed =
    from === to ? [] : [former === now ? `${now}: ${from} → ${to}` : `${from} → ${to}`];
  return `column ${[...renamed, ...changed].join(': ')}`;
}

/** Steps are a history: they only grow. */
function isRewritten(before: readonly SchemaStep[], after: readonly SchemaStep[]): boolean {
  return before.some((step, at) => canonicalJson(step) !== canonicalJson(after[at] ?? null));
}

function ruleOfAdded({ optional, min, max, default: fallback }: ColumnSchema): RuleName {
  const hasDefault = (fallback ?? null) !== null;
  if (!optional && !hasDefault) return 'column_added_required';
  if (min !== null || max !== null) return 'column_added_bounded';
  return hasDefault ? 'column_added_default' : 'column_added_optional';
}

function rulesOfChanged(
  was: ColumnSchema,
  is: ColumnSchema,
  steps: readonly SchemaStep[],
): RuleName[] {
  const rules: RuleName[] = [];
  const given = (value: ColumnSchema['default']) => canonicalJson(value ?? null);
  if (!sameType(was.type, is.type)) rules.push(ruleOfType(was, is, steps));
  else if (scaleOf(was) !== scaleOf(is)) rules.push('column_scale_changed');
  if (was.optional !== is.optional) rules.push('null_handling_changed');
  if (boundsOf(was) !== boundsOf(is) && sameType(was.type, is.type)) rules.push('range_changed');
  if (given(was.default) !== given(is.default)) rules.push('column_default_changed');
  if ((was.alias ?? was.name) !== (is.alias ?? is.name)) rules.push('column_renamed');
  if (was.personal !== is.personal) {
    const isTokenized = was.personal === 'tokenized' || is.personal === 'tokenized';
    rules.push(isTokenized ? 'tokenization_changed' : 'personal_changed');
  }
  return rules;
}

function ruleOfType(was: ColumnSchema, is: ColumnSchema, steps: readonly SchemaStep[]): RuleName {
  const isDeclared = steps.some(({ widened }) => Object.hasOwn(widened, was.name));
  if (isDeclared && isWidening(was.type, is.type)) return 'column_widened';
  return isWidening(is.type, was.type) ? 'type_narrowed' : 'type_changed';
}

function scaleOf({ type }: ColumnSchema): number | null {
  return type.kind === 'float64' ? type.scale : null;
}

function boundsOf({ min, max }: ColumnSchema): string {
  return `${String(min)} ${String(max)}`;
}

function columnText({ type, optional, min, max, ...more }: ColumnSchema): string {
  const scale = type.kind === 'float64' ? ` scale ${type.scale}` : '';
  const bound = (value: ColumnSchema['min']): string =>
    type.kind === 'decimal'
      ? formatDecimal(typeof value === 'bigint' ? value : Number(value), type.scale)
      : String(value);
  const least = min === null ? '' : ` min ${bound(min)}`;
  const most = max === null ? '' : ` max ${bound(max)}`;
  const { default: fallback = null, personal } = more;
  const other = fallback === null ? '' : ` default ${bound(fallback)}`;
  const about = personal === undefined ? '' : personal === 'plain' ? ' personal' : ' tokenized';
  return `${typeText(type)}${scale}${optional ? ' optional' : ''}${least}${most}${other}${about}`;
}
