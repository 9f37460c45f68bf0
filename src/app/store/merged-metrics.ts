interface Family {
  readonly head: string[];
  readonly samples: string[];
}

const SUFFIX = /_(bucket|sum|count)$/;

/**
 * One text of metrics from those of several processes: the samples of each process have a label
 * `process`, and those of one metric stand together, as the format asks.
 */
export function mergedMetrics(
  primary: string,
  others: readonly (readonly [string, string])[],
): string {
  const families = new Map<string, Family>();
  for (const [name, text] of [['primary', primary] as const, ...others]) add(families, name, text);
  const lines = [...families.values()].flatMap(({ head, samples }) => [...head, ...samples]);
  return `${lines.join('\n')}\n`;
}

function add(families: Map<string, Family>, process: string, text: string): void {
  let current = '';
  for (const line of text.split('\n')) {
    const declared = /^# (?:HELP|TYPE) (\S+)/.exec(line)?.[1];
    if (declared !== undefined) {
      current = declared;
      const family = families.get(declared);
      if (family === undefined) families.set(declared, { head: [line], samples: [] });
      else if (family.samples.length === 0 && family.head.length < 2) family.head.push(line);
      continue;
    }
    const sample = /^([a-zA-Z_:][\w:]*)(\{.*\})?( .+)$/.exec(line);
    if (sample === null) continue;
    const [, name = '', labels = '', value = ''] = sample;
    const base = name.replace(SUFFIX, '');
    const family = families.get(name) ?? families.get(base) ?? families.get(current);
    const inner = labels === '' ? '' : `,${labels.slice(1, -1)}`;
    family?.samples.push(`${name}{process="${process}"${inner}}${value}`);
  }
}
