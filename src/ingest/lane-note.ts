import { AsofError } from '../base/errors.ts';
import type { EventLog } from './log.ts';

/** How far a connector has read one of its lanes: a file, or a partition of a topic. */
export interface LanePosition {
  /** Batches of the lane that are in the log. */
  readonly batch: number;
  /** The connector's own word for where to go on; null: from the lane's beginning. */
  readonly token: string | null;
}

/** What the log keeps with the events of a batch, so that events and position cannot disagree. */
export interface LaneNote extends LanePosition {
  /** Rejected rows of the batch, as lines of the dead letters, until they are there. */
  readonly letters: readonly string[];
}

export const NO_POSITION: LanePosition = { batch: 0, token: null };

const PREFIX = 'connector';

export function laneName(source: string, connector: string, lane: string): string {
  return JSON.stringify([PREFIX, source, connector, lane]);
}

export function laneText({ batch, token, letters }: LaneNote): string {
  return JSON.stringify(letters.length === 0 ? { batch, token } : { batch, token, letters });
}

/** @throws AsofError `corrupt_log` for a text that nobody wrote as a note */
export function readLane(text: string): LaneNote {
  const found: unknown = JSON.parse(text);
  if (typeof found === 'object' && found !== null && 'batch' in found && 'token' in found) {
    const { batch, token } = found;
    const letters = 'letters' in found && Array.isArray(found.letters) ? found.letters : [];
    if (typeof batch === 'number' && (typeof token === 'string' || token === null)) {
      return { batch, token, letters: letters.map(String) };
    }
  }
  throw new AsofError('corrupt_log', `A connector's note is not one: ${text.slice(0, 200)}`);
}

/** The lanes of a connector, by name, as they are durable. */
export function lanesOf(log: EventLog, source: string, connector: string): Map<string, LaneNote> {
  const lanes = new Map<string, LaneNote>();
  for (const [name, text] of log.notes.texts) {
    const parts: unknown = JSON.parse(name);
    if (!Array.isArray(parts) || parts[0] !== PREFIX) continue;
    if (parts[1] === source && parts[2] === connector) lanes.set(String(parts[3]), readLane(text));
  }
  return lanes;
}
