import { type Client, createClient } from 'asof/client';
import type { FlightData } from './data.ts';
import { flights, lateFlight } from './features.ts';

export interface ReplayResult {
  readonly events: number;
  readonly accepted: number;
  readonly rejected: number;
  readonly served: number;
  readonly seconds: number;
  /** Milliseconds of each feature request, sorted. */
  readonly latenciesMs: readonly number[];
}

const ROWS_PER_BODY = 8_000;
/** Every n-th body is followed by questions about flights that are about to depart. */
const ASK_EVERY = 1;
const QUESTIONS = 20;

/**
 * Sends 2001 through the front door, and asks for features in between: the platform's clock
 * follows the arrival times of the events, so "now" is a moment of 2001.
 */
export async function replayYear(
  data: FlightData,
  url: string,
  onProgress: (events: number, untilMs: number, rate: number) => void,
): Promise<ReplayResult> {
  const client = createClient({ url });
  const started = performance.now();
  const latenciesMs: number[] = [];
  let events = 0;
  let accepted = 0;
  let bodies = 0;
  for await (const { body, rows, untilMs } of data.bodies(ROWS_PER_BODY)) {
    const response = await fetch(`${url}/v1/events/${flights.name}`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-ndjson' },
      body,
    });
    const answer = (await response.json()) as { accepted?: number; error?: { message: string } };
    if (answer.accepted === undefined)
      throw new Error(answer.error?.message ?? response.statusText);
    events += rows;
    accepted += answer.accepted;
    bodies += 1;
    if (bodies % ASK_EVERY === 0) await ask(client, data, untilMs, latenciesMs);
    onProgress(events, untilMs, events / ((performance.now() - started) / 1000));
  }
  return {
    events,
    accepted,
    rejected: events - accepted,
    served: latenciesMs.length,
    seconds: (performance.now() - started) / 1000,
    latenciesMs: latenciesMs.toSorted((a, b) => a - b),
  };
}

async function ask(
  client: Client,
  data: FlightData,
  nowMs: number,
  latenciesMs: number[],
): Promise<void> {
  for (const { origin, destination } of await data.nextDepartures(nowMs, QUESTIONS)) {
    const asked = performance.now();
    await client.get(lateFlight, { origin, destination });
    latenciesMs.push(performance.now() - asked);
  }
}

export function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}
