import { present } from '../base/assert.ts';
import { AsofError, type Issue, issue } from '../base/errors.ts';
import { LIMITS } from '../base/limits.ts';
import type { Faults } from '../expr/faults.ts';
import { outputsOf } from '../plan/model-plan.ts';
import type { ModelPlan } from '../plan/plan.ts';
import { formatDecimal, parseDecimal } from '../schema/json.ts';
import { type FeatureValue, sameType, typeText, type ValueType } from '../schema/types.ts';
import type { CompiledService } from './compiled-service.ts';
import { NullShare } from './null-share.ts';
import type { OutputRead, ReadPlan } from './read-plan.ts';
import { ResponseWriter } from './response-writer.ts';
import { RowReader } from './row-reader.ts';

/** How an answer does not fit what a model registered. */
export interface Violation {
  readonly feature: string;
  /**
   * Of the version that answers: `not_served`, `other_feature`, `other_type`. Of its values: `min`,
   * `max`, and `null_share`, over the last rows that were read for the model.
   */
  readonly rule: 'not_served' | 'other_feature' | 'other_type' | 'min' | 'max' | 'null_share';
  readonly expected: string | number;
  readonly found: string | number;
  /** Rows of this answer that it concerns, and the first of them; all of them, from 0, of a version. */
  readonly rows: number;
  readonly firstRow: number;
}

/** What an answer tells of the contract it was held to. */
export interface ContractNote {
  readonly model: string;
  readonly fits: boolean;
  readonly violations: readonly Violation[];
}

/** Bounds of one output in its own units, which values are compared with as they are held. */
interface Bounds {
  readonly name: string;
  readonly slot: number;
  readonly type: ValueType;
  readonly min: number | bigint | null;
  readonly max: number | bigint | null;
  readonly shownMin: number | null;
  readonly shownMax: number | null;
  readonly nulls: NullShare | null;
}

/** Of one request: what was found so far, by feature and rule. */
export type Findings = Map<string, Violation>;

/** What goes on over requests, whatever is compiled anew meanwhile. */
export class ContractTally {
  readonly totals = { requests: 0, rows: 0, refused: 0, flagged: 0 };
  readonly #nulls = new Map<string, NullShare>();

  /** Of the last rows of an output. */
  nullsOf(output: string, most: number): NullShare {
    const { contractRows, contractRowsMin } = LIMITS;
    const known = this.#nulls.get(output) ?? new NullShare(most, contractRows, contractRowsMin);
    this.#nulls.set(output, known);
    return known;
  }
}

/**
 * A model's contract against one service version as it is served: reads what the model may read and
 * nothing else, and finds what does not fit. Shares of nulls go on over requests.
 */
export class ModelContract {
  readonly plan: ModelPlan;
  /** `name@version` */
  readonly title: string;
  readonly reader: RowReader;
  readonly writer: ResponseWriter;
  /** What the model may read of this version. */
  readonly outputs: readonly OutputRead[];
  readonly totals: ContractTally['totals'];
  readonly #misfits: readonly Violation[];
  readonly #bounds: readonly Bounds[];

  constructor(plan: ModelPlan, compiled: CompiledService, faults: Faults, tally: ContractTally) {
    this.plan = plan;
    this.totals = tally.totals;
    this.title = `${plan.name}@${plan.version}`;
    this.#misfits = misfits(plan, compiled.plan);
    const unfit = new Set(this.#misfits.map(({ feature }) => feature));
    const allowed = new Set(plan.reads.map(({ name }) => name));
    this.outputs = compiled.plan.outputs.filter(({ name }) => allowed.has(name));
    const readPlan = { ...compiled.plan, outputs: this.outputs };
    this.reader = new RowReader(readPlan, faults);
    this.writer = new ResponseWriter(readPlan, compiled.deprecation);
    this.#bounds = this.outputs.flatMap((output) =>
      unfit.has(output.name) ? [] : boundsOf(plan, output, tally),
    );
  }

  /** Before any row: what the version itself breaks. */
  begin(rowCount: number): Findings {
    this.totals.requests += 1;
    this.totals.rows += rowCount;
    return new Map(this.#misfits.map((one) => [keyOf(one), { ...one, rows: rowCount }]));
  }

  /** The row as it stands in the reader's slots. */
  check(row: number, findings: Findings): void {
    for (const bounds of this.#bounds) {
      const value = this.reader.values[bounds.slot] as FeatureValue;
      bounds.nulls?.add(value === null);
      if (typeof value !== 'number' && typeof value !== 'bigint') continue;
      const { min, max, shownMin, shownMax } = bounds;
      if (min !== null && shownMin !== null && value < min) {
        found(findings, bounds, { rule: 'min', expected: shownMin }, value, row);
      }
      if (max !== null && shownMax !== null && value > max) {
        found(findings, bounds, { rule: 'max', expected: shownMax }, value, row);
      }
    }
  }

  /** After all rows. @throws AsofError `contract_violated` where the model refuses what does not fit */
  end(findings: Findings, rowCount: number): ContractNote {
    for (const { name, nulls } of this.#bounds) {
      if (nulls === null || nulls.fits) continue;
      const { most, share } = nulls;
      const rest = { expected: most, found: share, rows: rowCount, firstRow: 0 };
      const violation = { feature: name, rule: 'null_share', ...rest } as const;
      findings.set(keyOf(violation), violation);
    }
    const violations = [...findings.values()];
    if (violations.length === 0) return { model: this.title, fits: true, violations };
    if (this.plan.onViolation === 'refuse') {
      this.totals.refused += 1;
      throw this.#refusal(violations);
    }
    this.totals.flagged += 1;
    return { model: this.title, fits: false, violations };
  }

  #refusal(violations: readonly Violation[]): AsofError {
    const issues: Issue[] = violations.map((one) =>
      issue('contract_violated', `features.${one.feature}`, violationText(one), remedyOf(one)),
    );
    const first = present(issues[0], 'a violation');
    const text = `The answer does not fit the contract of ${this.title}: ${first.message}`;
    return new AsofError('contract_violated', text, {
      path: first.path,
      remedy: first.remedy,
      issues,
    });
  }
}

function keyOf({ feature, rule }: Pick<Violation, 'feature' | 'rule'>): string {
  return `${feature} ${rule}`;
}

function found(
  findings: Findings,
  { name: feature, type }: Bounds,
  { rule, expected }: { readonly rule: 'min' | 'max'; readonly expected: number },
  value: number | bigint,
  row: number,
): void {
  const known = findings.get(keyOf({ feature, rule }));
  const shown = type.kind === 'decimal' ? formatDecimal(value, type.scale) : String(value);
  const first = known ?? { feature, rule, expected, found: shown, firstRow: row, rows: 0 };
  findings.set(keyOf(first), { ...first, rows: first.rows + 1 });
}

/** What the version that answers has otherwise than the one that the model is pinned to. */
function misfits(plan: ModelPlan, { service }: ReadPlan): Violation[] {
  const served = new Map(outputsOf(service).map((output) => [output.name, output]));
  return plan.reads.flatMap((read): Violation[] => {
    const violation = (rule: Violation['rule'], expected: string, was: string): Violation[] => [
      { feature: read.name, rule, expected, found: was, rows: 0, firstRow: 0 },
    ];
    const now = served.get(read.name);
    const wanted = originText(read.feature);
    if (now === undefined) return violation('not_served', wanted, 'nothing');
    if (!sameType(now.type, read.type)) {
      return violation('other_type', typeText(read.type), typeText(now.type));
    }
    const is = originText(now.feature);
    const isPinned = plan.service === service.name && plan.serviceVersion === service.version;
    // What is computed on demand has no version of its own: it is that of its service.
    if (is === wanted && (isPinned || read.feature !== null)) return [];
    const from = `of ${service.name}@${service.version}`;
    return violation('other_feature', wanted, is === wanted ? `${is} ${from}` : is);
  });
}

function originText(feature: ModelPlan['reads'][number]['feature']): string {
  return feature === null ? 'on demand' : `${feature.view}@${feature.version}.${feature.name}`;
}

function boundsOf(
  plan: ModelPlan,
  { name, slot, type }: OutputRead,
  tally: ContractTally,
): Bounds[] {
  const expected = plan.expectations[name];
  if (expected === undefined) return [];
  const { min, max, nullShareMax } = expected;
  const nulls = nullShareMax === null ? null : tally.nullsOf(name, nullShareMax);
  const [least, most] = [
    min === null ? null : inUnits(min, type),
    max === null ? null : inUnits(max, type),
  ];
  return [{ name, slot, type, nulls, shownMin: min, shownMax: max, min: least, max: most }];
}

/**
 * A bound as values are held, which compare with it exactly. The decimal that is written counts, and
 * not the float that it becomes: 0.07 at two places is 7 units. One with more places than values
 * have lies between two of them, and stays a fraction.
 */
function inUnits(bound: number, type: ValueType): number | bigint {
  if (type.kind !== 'decimal') return bound;
  return parseDecimal(String(bound), type.scale) ?? bound * 10 ** type.scale;
}

function violationText({ feature, rule, expected, found, rows, firstRow }: Violation): string {
  if (rule === 'min')
    return `'${feature}' is below ${expected} in ${rows} row(s), first ${firstRow}.`;
  if (rule === 'max')
    return `'${feature}' is above ${expected} in ${rows} row(s), first ${firstRow}.`;
  if (rule === 'null_share')
    return `${percent(found)} of '${feature}' is null, more than ${percent(expected)}.`;
  if (rule === 'not_served') return `'${feature}' is not served; the model reads ${expected}.`;
  if (rule === 'other_type') return `'${feature}' is ${found}, and the model reads ${expected}.`;
  return `'${feature}' is ${found}, and the model reads ${expected}.`;
}

function percent(share: string | number): string {
  return `${Math.round(Number(share) * 1000) / 10} %`;
}

function remedyOf({ rule }: Violation): string {
  return rule === 'min' || rule === 'max' || rule === 'null_share'
    ? 'Find out what changed in the data (`asof validate`, `asof lineage`), or register a new version.'
    : 'Leave out service and version for those that the model is pinned to, or register a new version.';
}
