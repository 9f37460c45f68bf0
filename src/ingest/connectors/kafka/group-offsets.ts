import type { Clock } from '../../../base/clock.ts';
import { LIMITS } from '../../../base/limits.ts';
import type { KafkaClient, KafkaTopic } from './kafka-client.ts';

/** A consumer group that is told how far the log is, for those who watch lag on the broker. */
export interface GroupSetting {
  readonly id: string;
  readonly clock: Clock;
}

/**
 * Tells a group on the broker what the log holds. Nothing is ever read back, so whatever becomes of
 * the group, and of what is told to it, changes no event.
 */
export class GroupOffsets {
  readonly #client: KafkaClient;
  readonly #group: GroupSetting;
  #triedMs: number | null = null;
  #isTrying = false;
  /** As the broker last took them. */
  #told = new Map<number, number>();
  #failures = 0;
  /** Why the newest try failed. */
  #problem: string | null = null;

  constructor(client: KafkaClient, group: GroupSetting) {
    this.#client = client;
    this.#group = group;
  }

  /** Passes durable offsets on, where there are new ones and it is time; never waited for. */
  offer(topic: KafkaTopic, durable: ReadonlyMap<number, number>): void {
    if (this.#isTrying) return;
    const news = [...durable].filter(([lane, offset]) => this.#told.get(lane) !== offset);
    if (news.length === 0 || !this.#isTime()) return;
    void this.#tell(topic, new Map(news));
  }

  #isTime(): boolean {
    const nowMs = this.#group.clock.nowMs();
    const sinceMs = nowMs - (this.#triedMs ?? Number.NEGATIVE_INFINITY);
    if (sinceMs >= 0 && sinceMs < LIMITS.kafkaGroupEveryMs) return false;
    this.#triedMs = nowMs;
    return true;
  }

  async #tell(topic: KafkaTopic, offsets: ReadonlyMap<number, number>): Promise<void> {
    this.#isTrying = true;
    try {
      await this.#client.tellGroup(this.#group.id, topic, offsets);
      for (const [partition, offset] of offsets) this.#told.set(partition, offset);
      this.#problem = null;
    } catch (error) {
      this.#failures += 1;
      this.#problem = error instanceof Error ? error.message : String(error);
    } finally {
      this.#isTrying = false;
    }
  }

  problems(): string[] {
    if (this.#problem === null) return [];
    const times = this.#failures === 1 ? 'once' : `${this.#failures} times`;
    const { id } = this.#group;
    return [`group '${id}' was not told the offsets, ${times}: ${this.#problem}; reading goes on`];
  }
}
