import type { Cell, Columns } from './columns.ts';
import { type LeakFinding, percent } from './finding.ts';
import { type Prediction, predict } from './prediction.ts';

/** Strength from which a single column is suspicious, and from which it is almost the label. */
const SUSPICIOUS = 0.8;
const ALMOST_THE_LABEL = 0.98;
/** By how much it must exceed what chance gives. */
const ABOVE_CHANCE = 0.15;

/** A column that is as good as the label in every row, under another name. */
export function equalsLabel(
  columns: Columns,
  inputs: ReadonlySet<string>,
  label: string,
): LeakFinding[] {
  const wanted = columns.get(label) ?? [];
  const known = wanted.flatMap((value, at) => (value === null ? [] : [at]));
  if (known.length < 20 || new Set(known.map((at) => wanted[at])).size < 2) return [];
  return [...columns].flatMap(([name, cells]): LeakFinding[] => {
    if (name === label) return [];
    const equal = known.filter((at) => cells[at] === wanted[at]).length;
    const share = equal / known.length;
    if (share < 0.999) return [];
    const isInput = inputs.has(name);
    return [
      {
        check: 'equals_label',
        severity: isInput ? 'leak' : 'warning',
        subject: name,
        message: `'${name}' is the label '${label}' in ${percent(share)} of the rows.`,
        evidence: { share, rows: known.length },
        remedy: isInput
          ? `Take '${name}' out of the service or the request, or do not predict it.`
          : `Do not train on '${name}'.`,
      },
    ];
  });
}

/** Features that tell the label so well that something of it must be in them. */
export function suspiciousFeatures(
  columns: Columns,
  inputs: ReadonlySet<string>,
  label: string,
  elsewhere: (feature: string) => readonly Cell[] | null,
): LeakFinding[] {
  const wanted = columns.get(label) ?? [];
  return [...inputs].flatMap((name): LeakFinding[] => {
    const cells = columns.get(name);
    if (cells === undefined || name === label) return [];
    const found = predict(cells, wanted);
    if (found === null || found.strength < SUSPICIOUS) return [];
    if (found.strength < found.chance + ABOVE_CHANCE) return [];
    const moved = elsewhere(name);
    return [findingOf(name, label, found, moved === null ? null : predict(moved, wanted))];
  });
}

const MEASURES: Readonly<Record<Prediction['measure'], string>> = {
  auc: 'AUC',
  rank_correlation: 'rank correlation',
  shared_information: "share of the label's information",
};

function findingOf(
  name: string,
  label: string,
  { strength, score, chance, measure, rows }: Prediction,
  moved: Prediction | null,
): LeakFinding {
  const falls = moved !== null && moved.strength < strength / 2;
  const earlier =
    moved === null ? '' : `; ${moved.score.toFixed(3)} with each row's time up to a day earlier`;
  return {
    check: 'prediction',
    severity: strength >= ALMOST_THE_LABEL ? 'leak' : 'warning',
    subject: name,
    message: `'${name}' alone tells '${label}': ${MEASURES[measure]} ${score.toFixed(3)}${earlier}.`,
    evidence: {
      measure,
      score,
      strength,
      chance,
      rows,
      ...(moved === null ? {} : { scoreEarlier: moved.score, strengthEarlier: moved.strength }),
    },
    remedy: falls
      ? `What tells the label happens right at the row's time: take the time of the decision for the row's time, or train with --before.`
      : `Look at what '${name}' is made of: something that is filled in because of the label?`,
  };
}
