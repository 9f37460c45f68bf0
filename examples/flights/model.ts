/** A small logistic regression, enough to show what a feature is worth, and its area under ROC. */
export interface Sample {
  readonly features: readonly (number | null)[];
  readonly late: boolean;
}

export interface Model {
  score(features: readonly (number | null)[]): number;
}

const EPOCHS = 6;
const LEARNING_RATE = 0.05;
const L2 = 1e-5;

/** Fits by stochastic gradient descent over standardized features; a null counts as the mean. */
export function fitLogistic(samples: readonly Sample[]): Model {
  const width = samples[0]?.features.length ?? 0;
  const { mean, deviation } = moments(samples, width);
  const standardize = (features: readonly (number | null)[], into: Float64Array): void => {
    for (let at = 0; at < width; at += 1) {
      const value = features[at] ?? null;
      const spread = deviation[at] ?? 1;
      into[at] = value === null ? 0 : (value - (mean[at] ?? 0)) / spread;
    }
  };
  const weights = new Float64Array(width);
  const row = new Float64Array(width);
  let bias = 0;
  for (let epoch = 0; epoch < EPOCHS; epoch += 1) {
    const rate = LEARNING_RATE / (1 + epoch);
    for (const sample of samples) {
      standardize(sample.features, row);
      const error = sigmoid(dot(weights, row) + bias) - (sample.late ? 1 : 0);
      bias -= rate * error;
      for (let at = 0; at < width; at += 1) {
        const weight = weights[at] ?? 0;
        weights[at] = weight - rate * (error * (row[at] ?? 0) + L2 * weight);
      }
    }
  }
  return {
    score: (features) => {
      standardize(features, row);
      return dot(weights, row) + bias;
    },
  };
}

function moments(
  samples: readonly Sample[],
  width: number,
): { mean: Float64Array; deviation: Float64Array } {
  const mean = new Float64Array(width);
  const deviation = new Float64Array(width);
  for (let at = 0; at < width; at += 1) {
    let seen = 0;
    let sum = 0;
    let squares = 0;
    for (const { features } of samples) {
      const value = features[at] ?? null;
      if (value === null) continue;
      seen += 1;
      sum += value;
      squares += value * value;
    }
    mean[at] = seen > 0 ? sum / seen : 0;
    const variance = seen > 0 ? squares / seen - (mean[at] ?? 0) ** 2 : 0;
    deviation[at] = Math.sqrt(Math.max(variance, 0)) || 1;
  }
  return { mean, deviation };
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let at = 0; at < a.length; at += 1) sum += (a[at] ?? 0) * (b[at] ?? 0);
  return sum;
}

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

/**
 * Area under the ROC curve: the chance that a late flight scores above one that is not, ties
 * counting half. 0.5 is a coin, 1 is an oracle.
 */
export function areaUnderRoc(scores: readonly { score: number; late: boolean }[]): number {
  const ordered = scores.toSorted((a, b) => a.score - b.score);
  let rankSum = 0;
  let positives = 0;
  for (let start = 0; start < ordered.length; ) {
    let end = start;
    let latesInTie = 0;
    while (end < ordered.length && ordered[end]?.score === ordered[start]?.score) {
      if (ordered[end]?.late === true) latesInTie += 1;
      end += 1;
    }
    rankSum += latesInTie * ((start + 1 + end) / 2);
    positives += latesInTie;
    start = end;
  }
  const negatives = ordered.length - positives;
  return (rankSum - (positives * (positives + 1)) / 2) / (positives * negatives);
}

/** Trains on the earlier share of the rows and scores the later ones, as a real model would be. */
export function splitByTime<T>(rows: readonly T[], share: number): [T[], T[]] {
  const cut = Math.floor(rows.length * share);
  return [rows.slice(0, cut), rows.slice(cut)];
}
