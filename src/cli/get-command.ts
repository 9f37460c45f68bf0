import { AsofError } from '../base/errors.ts';
import { callServer } from './call-server.ts';
import { colors as pc } from './colors.ts';
import type { Context, RemoteOptions } from './context.ts';
import { EXIT, stringifyExact, table } from './output.ts';

export interface GetOptions extends RemoteOptions {
  readonly model?: string;
}

export async function getCommand(
  context: Context<GetOptions>,
  service: string,
  keys: readonly string[],
): Promise<number> {
  const described = await callServer(context, 'GET', `/v1/services/${encodeURIComponent(service)}`);
  const row = givenRow(keys, givenTypes(described));
  const { model } = context.options;
  const answer = await callServer(context, 'POST', '/v1/features', {
    body: stringifyExact({ service, rows: [row], ...(model === undefined ? {} : { model }) }),
  });
  context.output.finish(answer, () => {
    const [first] = answer.rows as { values: object; statuses: Record<string, string> }[];
    const rows = Object.entries(first?.values ?? {}).map(([name, value]) => [
      `  ${name}`,
      stringifyExact(value),
      first?.statuses[name] === 'present' ? '' : pc.dim(first?.statuses[name] ?? ''),
    ]);
    for (const line of table(rows)) context.output.say(line);
    for (const line of contractLines(answer.contract)) context.output.say(line);
    const { commit } = answer.position as { commit: number };
    const asOf = new Date(Number(answer.asOfMs)).toISOString();
    context.output.say(pc.dim(`  as of ${asOf}, position ${commit}`));
  });
  return EXIT.ok;
}

/** Whether the answer fits what the model registered, and where it does not. */
function contractLines(contract: unknown): string[] {
  if (contract === undefined) return [];
  const { model, fits, violations } = contract as {
    readonly model: string;
    readonly fits: boolean;
    readonly violations: readonly {
      readonly feature: string;
      readonly rule: string;
      readonly expected: unknown;
      readonly found: unknown;
    }[];
  };
  if (fits) return [`  ${pc.green('✓')} fits the contract of ${model}`];
  const lines = violations.map(({ feature, rule, expected, found }) =>
    pc.yellow(`    ${feature} ${rule}: expected ${expected}, found ${found}`),
  );
  return [`  ${pc.yellow('≠')} does not fit the contract of ${model}`, ...lines];
}

/** Of join keys and request fields, by name. */
function givenTypes({ keys, request }: Record<string, unknown>): Map<string, string> {
  const given = [keys, request].flatMap((list) => (Array.isArray(list) ? list : []));
  return new Map(
    given.map((one: { name: string; type: string }) => [String(one.name), String(one.type)]),
  );
}

/** `name=value` words to a row; numbers where the join key, or the field, is one. */
function givenRow(words: readonly string[], types: ReadonlyMap<string, string>): object {
  const row: Record<string, unknown> = Object.create(null);
  for (const word of words) {
    const at = word.indexOf('=');
    if (at <= 0) {
      throw new AsofError('usage', `'${word}' is neither key nor field.`, {
        remedy: `Write ${[...types.keys()].map((name) => `${name}=…`).join(' ')}.`,
      });
    }
    const name = word.slice(0, at);
    if (name in row) throw new AsofError('usage', `'${name}' is given twice.`);
    row[name] = givenValue(word.slice(at + 1), types.get(name));
  }
  return row;
}

/** What is not of the declared type is sent as it is, for the server to say so. */
function givenValue(text: string, type: string | undefined): unknown {
  if (type === 'bool') return text === 'true' || text === 'false' ? text === 'true' : text;
  if (type === 'string' || type === undefined) return text;
  return /^-?\d+$/.test(text) ? BigInt(text) : text;
}
