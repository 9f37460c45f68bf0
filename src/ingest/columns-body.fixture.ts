import { seededRandom } from '../base/random.ts';
import type { ColumnSchema, SourceSchema, ValueType } from '../schema/types.ts';
import { MemoryDisk } from '../testing/memory-disk.ts';
import { start } from './ingestor.fixture.ts';
import type { PushBody } from './push-body.ts';

export const column = (
  name: string,
  type: ValueType,
  optional = true,
  max: number | null = null,
): ColumnSchema => ({
  name,
  type,
  optional,
  min: null,
  max,
});
/** What became of the rows of a push, to be compared with that of another form. */
export async function fateOf(body: PushBody, schema: SourceSchema) {
  const { ingestor, log } = await start(new MemoryDisk(seededRandom(1)), {
    schema,
    limits: { eventsPerCommit: 7 },
  });
  const { received, accepted, rows } = await ingestor.push('clicks', body);
  const letters = [...ingestor.letters.list('clicks')];
  return {
    received,
    accepted,
    verdicts: rows.map(({ row, code, column }) => ({ row, code, column })),
    logged: [...log.read(0)],
    letters: letters.map(({ code, column }) => ({ code, column })),
    raw: letters.map(({ raw }) => raw),
  };
}
