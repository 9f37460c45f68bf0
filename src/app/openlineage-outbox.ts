import { LIMITS } from '../base/limits.ts';
import type { Pause } from '../base/pause.ts';
import type { OpenLineageEvent } from '../plan/openlineage-form.ts';

/** Takes one event to where it belongs; fails where it could not. */
export type SendEvent = (event: OpenLineageEvent, signal: AbortSignal) => Promise<void>;

/**
 * Events on their way to others, in order. Telling never waits and never fails: what does not go
 * after some attempts, or does not fit into the queue, is counted and lost.
 */
export class Outbox {
  readonly #send: SendEvent;
  readonly #pause: Pause;
  readonly #stop = new AbortController();
  readonly #queue: OpenLineageEvent[] = [];
  #running: Promise<void> | null = null;
  #lost = 0;
  #reason = '';

  constructor(send: SendEvent, pause: Pause) {
    this.#send = send;
    this.#pause = pause;
  }

  tell(events: readonly OpenLineageEvent[]): void {
    const room = Math.max(0, LIMITS.openLineageQueue - this.#queue.length);
    for (const event of events.slice(0, room)) this.#queue.push(event);
    if (events.length > room) this.#lose(events.length - room, 'the queue is full');
    if (this.#queue.length > 0) this.#running ??= this.#drain();
  }

  /** Waits for what is on its way, but not for long. Gives how many events were lost, and why. */
  async close(): Promise<{ readonly lost: number; readonly reason: string }> {
    const limit = this.#pause(LIMITS.openLineageFlushMs, this.#stop.signal).then(
      () => this.#lose(this.#queue.splice(0).length, 'there was no time left'),
      () => {},
    );
    await Promise.race([this.#running ?? Promise.resolve(), limit]);
    this.#stop.abort();
    await this.#running;
    return { lost: this.#lost, reason: this.#reason };
  }

  async #drain(): Promise<void> {
    for (let event = this.#queue.shift(); event !== undefined; event = this.#queue.shift()) {
      await this.#deliver(event);
    }
    this.#running = null;
  }

  async #deliver(event: OpenLineageEvent): Promise<void> {
    let waitMs: number = LIMITS.openLineageRetryMs;
    for (let attempt = 1; ; attempt++, waitMs *= 2) {
      try {
        return await this.#send(event, this.#stop.signal);
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        const isLast = attempt === LIMITS.openLineageAttempts || this.#stop.signal.aborted;
        if (isLast || !(await this.#waited(waitMs))) return this.#lose(1, reason);
      }
    }
  }

  async #waited(durationMs: number): Promise<boolean> {
    return this.#pause(durationMs, this.#stop.signal).then(
      () => true,
      () => false,
    );
  }

  #lose(count: number, reason: string): void {
    if (count === 0) return;
    this.#lost += count;
    if (this.#reason === '') this.#reason = reason;
  }
}
