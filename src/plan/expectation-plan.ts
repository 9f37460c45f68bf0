import { didYouMean } from '../base/suggest.ts';
import type { ExpectationNode } from '../define/node.ts';
import { columnCalled, presentName } from '../schema/evolution.ts';
import { typeText, type ValueType } from '../schema/types.ts';
import { compareText } from './canonical.ts';
import type { Named } from './expression-check.ts';
import type { IssueList } from './issue-list.ts';
import type { ExpectationPlan } from './plan.ts';

const NUMBERS: ReadonlySet<ValueType['kind']> = new Set(['int64', 'decimal', 'float64']);
const SEVERAL: ReadonlySet<ValueType['kind']> = new Set(['list', 'counts', 'vector']);

/** What is expected of columns or features, checked, by name. */
export function resolveExpectations(
  nodes: readonly ExpectationNode[],
  known: readonly Named[],
  noun: 'column' | 'feature',
  path: string,
  issues: IssueList,
): Readonly<Record<string, ExpectationPlan>> {
  const resolved = nodes.flatMap((node): [string, ExpectationPlan][] => {
    const found = columnCalled(known, node.name);
    const place = `${path}.${node.name}`;
    if (found !== undefined)
      return [[found.name, resolveExpectation(node, found.type, place, issues)]];
    const hint = didYouMean(node.name, known.map(presentName));
    const message = `There is no ${noun} '${node.name}' to expect something of.${hint}`;
    issues.add('unknown_name', place, message, `Use a ${noun} that is declared.`);
    return [];
  });
  return Object.fromEntries(resolved.sort(([a], [b]) => compareText(a, b)));
}

function resolveExpectation(
  node: ExpectationNode,
  type: ValueType,
  path: string,
  issues: IssueList,
): ExpectationPlan {
  const isNumber = NUMBERS.has(type.kind);
  const bound = (key: Bound, fits: boolean, least: number, most: number): number | null => {
    const given = node[key];
    if (given === null) return null;
    if (!fits) {
      const message = `${key} is expected of a ${typeText(type)}, which has none.`;
      issues.add('type_mismatch', `${path}.${key}`, message, `Leave out ${key}.`);
    } else if (typeof given !== 'number' || !(given >= least && given <= most)) {
      const message = `${key} cannot be ${String(given)}.`;
      issues.add('invalid_definition', `${path}.${key}`, message, RANGES[key]);
    } else {
      return given + 0;
    }
    return null;
  };
  const expectation = {
    min: bound('min', isNumber, -Number.MAX_VALUE, Number.MAX_VALUE),
    max: bound('max', isNumber, -Number.MAX_VALUE, Number.MAX_VALUE),
    nullShareMax: bound('nullShareMax', true, 0, 1),
    distinctMin: bound('distinctMin', !SEVERAL.has(type.kind), 1, Number.MAX_SAFE_INTEGER),
    medianFactorMax: bound('medianFactorMax', isNumber, 1, Number.MAX_VALUE),
  };
  const { min, max } = expectation;
  if (min !== null && max !== null && min > max) {
    const message = `The least that is expected, ${min}, is above the greatest, ${max}.`;
    issues.add('invalid_definition', path, message, 'Swap the two bounds.');
  }
  return expectation;
}

type Bound = keyof ExpectationPlan;

const RANGES: Readonly<Record<Bound, string>> = {
  min: 'Write a finite number.',
  max: 'Write a finite number.',
  nullShareMax: 'Write a share from 0 to 1.',
  distinctMin: 'Write a number from 1 on.',
  medianFactorMax: 'Write a factor from 1 on: 2 allows half to double.',
};
