import { AsofError } from '../base/errors.ts';
import { callServer } from './call-server.ts';
import { colors as pc } from './colors.ts';
import type { Context, RemoteOptions } from './context.ts';
import { EXIT, stringifyExact, table } from './output.ts';

export async function getCommand(
  context: Context<RemoteOptions>,
  service: string,
  keys: readonly string[],
): Promise<number> {
  const described = await callServer(context, 'GET', `/v1/services/${encodeURIComponent(service)}`);
  const row = keyRow(keys, joinKeyTypes(described));
  const answer = await callServer(context, 'POST', '/v1/features', {
    body: stringifyExact({ service, rows: [row] }),
  });
  context.output.finish(answer, () => {
    const [first] = answer.rows as { values: object; statuses: Record<string, string> }[];
    const rows = Object.entries(first?.values ?? {}).map(([name, value]) => [
      `  ${name}`,
      stringifyExact(value),
      first?.statuses[name] === 'present' ? '' : pc.dim(first?.statuses[name] ?? ''),
    ]);
    for (const line of table(rows)) context.output.say(line);
    const { commit } = answer.position as { commit: number };
    const asOf = new Date(Number(answer.asOfMs)).toISOString();
    context.output.say(pc.dim(`  as of ${asOf}, position ${commit}`));
  });
  return EXIT.ok;
}

function joinKeyTypes(described: Record<string, unknown>): Map<string, string> {
  const joinKeys = Array.isArray(described.keys) ? described.keys : [];
  return new Map(
    joinKeys.map((key: { name: string; type: string }) => [String(key.name), String(key.type)]),
  );
}

/** `name=value` words to a row; numbers where the join key is one. */
function keyRow(words: readonly string[], types: ReadonlyMap<string, string>): object {
  const row: Record<string, unknown> = Object.create(null);
  for (const word of words) {
    const at = word.indexOf('=');
    if (at <= 0) {
      throw new AsofError('usage', `'${word}' is no key.`, {
        remedy: `Write ${[...types.keys()].map((name) => `${name}=…`).join(' ')}.`,
      });
    }
    const name = word.slice(0, at);
    if (name in row) throw new AsofError('usage', `The key '${name}' is given twice.`);
    row[name] = keyValue(word.slice(at + 1), types.get(name));
  }
  return row;
}

/** What is not of the join key's type is sent as it is, for the server to say so. */
function keyValue(text: string, type: string | undefined): unknown {
  if (type === 'bool') return text === 'true' || text === 'false' ? text === 'true' : text;
  if (type === 'string' || type === undefined) return text;
  return /^-?\d+$/.test(text) ? BigInt(text) : text;
}
