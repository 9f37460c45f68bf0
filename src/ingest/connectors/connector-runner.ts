import { assert } from '../../base/assert.ts';
import { AsofError } from '../../base/errors.ts';
import { LIMITS } from '../../base/limits.ts';
import { type Logger, silentLogger } from '../../base/logger.ts';
import type { Pause } from '../../base/pause.ts';
import type { LanePosition } from '../lane-note.ts';
import type { SourcedBatch, SourcedResult } from '../sourced-push.ts';
import type {
  ReaderProgress,
  RowBatch,
  SourceConnector,
  SourceReader,
} from './source-connector.ts';

const FIRST_RETRY_MS = 250;

/** The door, as a connector needs it. */
export interface ConnectorDoor {
  lanes(source: string, connector: string): Promise<ReadonlyMap<string, LanePosition>>;
  take(source: string, batch: SourcedBatch): Promise<SourcedResult>;
}

/**
 * `retrying`: something outside failed and is tried again. `refused`: someone has to act, see the
 * problem. `finished`: everything there will ever be has been taken.
 */
export type ConnectorState =
  | 'starting'
  | 'running'
  | 'paused'
  | 'retrying'
  | 'refused'
  | 'finished'
  | 'stopped';

export interface ConnectorStatus extends ReaderProgress {
  readonly name: string;
  readonly kind: string;
  readonly source: string;
  readonly state: ConnectorState;
  /** Since the start. */
  readonly accepted: number;
  readonly rejected: number;
  readonly batches: number;
  /** Failed tries in a row. */
  readonly retries: number;
  readonly problem: {
    readonly code: string;
    readonly message: string;
    readonly remedy: string;
  } | null;
}

export interface ConnectorRunnerOptions {
  readonly name: string;
  readonly source: string;
  readonly connector: SourceConnector;
  readonly door: ConnectorDoor;
  readonly pause: Pause;
  readonly logger?: Logger;
}

interface Lane {
  batch: number;
  token: string | null;
}

/** Moves one connector's batches through the door, one at a time, each exactly once. */
export class ConnectorRunner {
  readonly #options: ConnectorRunnerOptions;
  readonly #logger: Logger;
  readonly #abort = new AbortController();
  #running: Promise<void> | null = null;
  #state: ConnectorState = 'starting';
  #reader: SourceReader | null = null;
  /** Of the reader before, while there is none. */
  #progress: ReaderProgress = { position: '', behind: null, problems: [] };
  #lanes = new Map<string, Lane>();
  #resume: (() => void) | null = null;
  #counts = { accepted: 0, rejected: 0, batches: 0 };
  #retries = 0;
  /** Rows that the next batch may have: fewer than ever where the door had little room. */
  #most: number = LIMITS.connectorRows;
  #problem: unknown = null;

  constructor(options: ConnectorRunnerOptions) {
    this.#options = options;
    this.#logger = options.logger ?? silentLogger;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /** No further batch is asked for until `resume`; the one under way is finished. */
  pause(): void {
    if (this.#resume === null) this.#paused = new Promise((resolve) => (this.#resume = resolve));
  }

  #paused: Promise<void> | null = null;

  resume(): void {
    this.#resume?.();
    this.#resume = null;
    this.#paused = null;
  }

  /** Resolves once nothing is read any more; a batch that the door has is waited for. */
  async stop(): Promise<void> {
    this.#abort.abort(new AsofError('not_ready', 'The connector is stopped.'));
    this.resume();
    await this.#running;
    if (this.#state !== 'finished' && this.#state !== 'refused') this.#state = 'stopped';
  }

  /** Resolves when the connector has come to an end of its own. */
  async ended(): Promise<ConnectorState> {
    await this.#running;
    return this.#state;
  }

  #progressNow(): ReaderProgress {
    const now = this.#reader?.progress() ?? this.#progress;
    // A new reader of files cannot know which of them was read last.
    return { ...now, position: now.position || this.#progress.position };
  }

  status(): ConnectorStatus {
    const { name, source, connector } = this.#options;
    const waiting = this.#paused !== null && this.#state === 'running';
    return {
      ...this.#progressNow(),
      ...this.#counts,
      name,
      kind: connector.kind,
      source,
      state: waiting ? 'paused' : this.#state,
      retries: this.#retries,
      problem: this.#problem === null ? null : problemOf(this.#problem),
    };
  }

  async #run(): Promise<void> {
    const { signal } = this.#abort;
    while (!signal.aborted) {
      try {
        if (!(await this.#readOn())) continue;
        this.#state = 'finished';
        return;
      } catch (error) {
        if (signal.aborted) return;
        this.#problem = error;
        if (!(error instanceof AsofError) || !error.retryable) {
          this.#state = 'refused';
          this.#logger.error(
            { connector: this.#options.name, error: String(error) },
            'a connector stopped',
          );
          return;
        }
        this.#state = 'retrying';
        await this.#backOff(error);
      } finally {
        await this.#closeReader();
      }
    }
  }

  async #backOff(error: unknown): Promise<void> {
    const { name, pause } = this.#options;
    const waitMs = Math.min(
      LIMITS.connectorRetryMs,
      FIRST_RETRY_MS * 2 ** Math.min(this.#retries, 16),
    );
    this.#retries += 1;
    this.#logger.warn({ connector: name, error: String(error), waitMs }, 'a connector waits');
    await pause(waitMs, this.#abort.signal).catch(() => {});
  }

  /** From the durable positions to the end (true), or until smaller batches are to be read. */
  async #readOn(): Promise<boolean> {
    const { name, source, connector, door } = this.#options;
    const { signal } = this.#abort;
    const known = await door.lanes(source, name);
    this.#lanes = new Map([...known].map(([lane, { batch, token }]) => [lane, { batch, token }]));
    const taken = new Map<string, string>();
    for (const [lane, { token }] of known) if (token !== null) taken.set(lane, token);
    const reader = await connector.open(taken, signal);
    this.#reader = reader;
    for (;;) {
      this.#state = 'running';
      if (this.#paused !== null) await this.#paused;
      signal.throwIfAborted();
      const batch = await reader.next(this.#most);
      if (batch === null) return true;
      const { length } = batch.rows;
      assert(length <= this.#most, `${length} rows where ${this.#most} were asked for`);
      if (!(await this.#take(batch))) return false;
      this.#most = Math.min(2 * this.#most, LIMITS.connectorRows);
      this.#retries = 0;
      this.#problem = null;
    }
  }

  /**
   * The same batch until it is taken: nothing else is read meanwhile. False where there is room for
   * a part of it, which is to be read again as a batch of its own.
   */
  async #take({ lane, rows, token }: RowBatch): Promise<boolean> {
    const { name, source, door } = this.#options;
    const position = this.#lanes.get(lane) ?? { batch: 0, token: null };
    const batch = { connector: name, lane, batch: position.batch + 1, token, rows };
    for (;;) {
      try {
        const result = await door.take(source, batch);
        if (result.full !== null) {
          this.#problem = result.full.error;
          this.#state = 'retrying';
          if (result.full.rows > 0) {
            this.#most = result.full.rows;
            return false;
          }
          await this.#backOff(result.full.error);
          this.#abort.signal.throwIfAborted();
          continue;
        }
        this.#counts.accepted += result.accepted;
        this.#counts.rejected += result.rejected;
        this.#counts.batches += 1;
        if (token === null) this.#lanes.delete(lane);
        else this.#lanes.set(lane, { batch: batch.batch, token });
        return true;
      } catch (error) {
        if (!(error instanceof AsofError) || !error.retryable) throw error;
        this.#problem = error;
        this.#state = 'retrying';
        await this.#backOff(error);
        this.#abort.signal.throwIfAborted();
      }
    }
  }

  async #closeReader(): Promise<void> {
    const reader = this.#reader;
    if (reader !== null) this.#progress = this.#progressNow();
    this.#reader = null;
    await reader?.close().catch((error: unknown) => {
      this.#logger.warn({ connector: this.#options.name, error: String(error) }, 'not closed');
    });
  }
}

function problemOf(error: unknown): NonNullable<ConnectorStatus['problem']> {
  if (error instanceof AsofError) {
    const { code, message, remedy } = error;
    return { code, message, remedy };
  }
  const failure = new AsofError('internal', String(error));
  return { code: failure.code, message: failure.message, remedy: failure.remedy };
}
