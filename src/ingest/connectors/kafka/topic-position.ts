import { AsofError } from '../../../base/errors.ts';
import type { KafkaTopic, OffsetBounds } from './kafka-client.ts';

/** Where a partition is read on, and of which topic. */
export interface PartitionToken {
  readonly topicId: string;
  readonly offset: number;
}

export function noTopic(name: string): AsofError {
  return new AsofError('source_unreachable', `There is no topic '${name}'.`, {
    remedy: 'Create it, or correct its name; it is looked for until then.',
  });
}

/** Offsets mean nothing in a topic that was made anew, even where they happen to exist. */
export function checkTopic(topic: KafkaTopic, tokens: ReadonlyMap<number, PartitionToken>): void {
  for (const [partition, { topicId }] of tokens) {
    if (topicId === topic.id && partition < topic.partitions) continue;
    throw new AsofError(
      'source_changed',
      `Topic '${topic.name}' is another one than was read before: it was deleted and made again.`,
      {
        path: `${topic.name}/${partition}`,
        remedy: 'Give the connector another name: it then reads the new topic from its start.',
      },
    );
  }
}

/** Why a position cannot be read on from; null if it can. */
export function lossAt(offset: number, { partition, start, end }: OffsetBounds): string | null {
  if (offset > end) {
    return `partition ${partition} ends at offset ${end}, but was read up to ${offset}`;
  }
  return offset >= start
    ? null
    : `partition ${partition} begins at offset ${start}, but was read only up to ${offset}`;
}

export function tokenText({ topicId, offset }: PartitionToken): string {
  return JSON.stringify([topicId, offset]);
}

export function readToken(text: string): PartitionToken {
  const parts: unknown = JSON.parse(text);
  const [topicId, offset] = Array.isArray(parts) ? parts : [];
  return { topicId: String(topicId), offset: Number(offset) };
}
