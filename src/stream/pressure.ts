/** One bounded stage on the way of an event: how full it is. */
export interface Stage {
  readonly name: string;
  /** Used and greatest amount, in the stage's own unit; the bound is never 0. */
  readonly used: number;
  readonly bound: number;
}

export interface PressureReading {
  /** How full the fullest stage is: 0 is empty, from 1 on nothing more fits. */
  readonly ratio: number;
  /** The fullest stage, or null where there is none. */
  readonly stage: string | null;
}

export type Admission =
  | { readonly kind: 'go' }
  /** The push waits so long before it is taken. */
  | { readonly kind: 'wait'; readonly delayMs: number }
  /** The push is sent away, to come again later. */
  | { readonly kind: 'refuse'; readonly stage: string; readonly retryAfterMs: number };

export interface PressureRules {
  /** From this ratio on pushes wait a little, the longer the fuller. */
  readonly slowFrom: number;
  /** Once full, pushes are refused until the ratio has fallen to this. */
  readonly reopenAt: number;
  readonly maxDelayMs: number;
}

export const PRESSURE_RULES: PressureRules = { slowFrom: 0.5, reopenAt: 0.8, maxDelayMs: 1_000 };

export function readPressure(stages: readonly Stage[]): PressureReading {
  let ratio = 0;
  let stage: string | null = null;
  for (const { name, used, bound } of stages) {
    if (stage !== null && used / bound <= ratio) continue;
    ratio = used / bound;
    stage = name;
  }
  return { ratio, stage };
}

/**
 * Slows pushes down before anything is full, and sends them away when something is. What was taken
 * is durable in the log by then, so a stage that fails later loses nothing; and since waiting grows
 * and ends gradually, those who were held back do not all come at once.
 */
export class PressureValve {
  readonly #rules: PressureRules;
  #isFull = false;
  waited = 0;
  refused = 0;

  constructor(rules: PressureRules = PRESSURE_RULES) {
    this.#rules = rules;
  }

  admit({ ratio, stage }: PressureReading): Admission {
    const { slowFrom, reopenAt, maxDelayMs } = this.#rules;
    if (ratio >= 1) this.#isFull = true;
    else if (ratio <= reopenAt) this.#isFull = false;
    if (this.#isFull && stage !== null) {
      this.refused += 1;
      return { kind: 'refuse', stage, retryAfterMs: maxDelayMs };
    }
    if (ratio < slowFrom) return { kind: 'go' };
    this.waited += 1;
    const share = (ratio - slowFrom) / (1 - slowFrom);
    return { kind: 'wait', delayMs: Math.ceil(maxDelayMs * share * share) };
  }
}
