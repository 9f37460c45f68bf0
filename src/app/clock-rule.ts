import { AsofError } from '../base/errors.ts';
import type { ProjectPlan } from '../plan/plan.ts';
import { type ClockMode, CONFIG_FILE } from './config.ts';

/**
 * Simulated time is the newest arrival of all sources: one whose arrivals are stamped with today
 * would drag it there, for good.
 * @throws AsofError `invalid_config` naming the streams
 */
export function requireClockFits(clock: ClockMode, { sources }: ProjectPlan): void {
  if (clock !== 'arrival') return;
  const stamped = sources.filter(({ arrivalTime }) => arrivalTime === null);
  if (stamped.length === 0) return;
  const names = stamped.map(({ name }) => `'${name}'`).join(', ');
  throw new AsofError(
    'invalid_config',
    `The clock follows declared arrival times, and ${names} declares none.`,
    {
      path: CONFIG_FILE,
      remedy: `Declare arrivalTime (of a table: knownAt) for ${names}, or set "clock": "wall" in ${CONFIG_FILE}.`,
    },
  );
}
