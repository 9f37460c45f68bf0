import { COMPATIBILITY, type CompatibilityRule } from '../src/plan/compatibility.ts';

const CLASSES: readonly (readonly [CompatibilityRule['class'], string])[] = [
  [
    'metadata',
    'How something is described, watched or found. No hash changes, and no value. Applied in place.',
  ],
  [
    'compatible',
    'Every value of every feature that was there stays what it was, to the bit. Applied in place.',
  ],
  [
    'breaking',
    'A value can be another, or whoever reads it is broken. Under the same version it is refused, ' +
      'with the version to write instead; under a new one it is added beside the old.',
  ],
];

/** The text of docs/compatibility.md, made from the one table of rules. */
export function compatibilityPage(): string {
  const lines = [
    '# What a change is',
    '',
    'Made by `npm run errors` from the table in `src/plan/compatibility.ts`; do not edit by hand.',
    '',
    '`asof plan` puts every change of a definition in a class, by these rules, and names the rule.',
    'What is new is `added`, what is gone `removed`. [Planning and applying](planning.md) says how',
    'the classes are acted on. Sources and entities have no version: a breaking change of one is',
    'refused through each view, service, dataset or model that would mean something else under its',
    'version. Random edits, whose values an oracle compares before and after, hold the table to what',
    'it says.',
  ];
  const rules = Object.entries<CompatibilityRule>(COMPATIBILITY);
  for (const [name, sentence] of CLASSES) {
    lines.push('', `## ${name}`, '', sentence, '');
    const isBreaking = name === 'breaking';
    lines.push(
      isBreaking
        ? '| rule | of | what changed | why | values |'
        : '| rule | of | what changed | why |',
      isBreaking ? '| - | - | - | - | - |' : '| - | - | - | - |',
    );
    for (const [rule, row] of rules) {
      if (row.class !== name) continue;
      const of = row.of.length === 7 ? 'all' : row.of.join(', ');
      const cells = [`<a id="${rule}"></a>\`${rule}\``, of, row.what, row.why];
      if (isBreaking) cells.push(row.differs ? 'can differ' : 'stay');
      lines.push(`| ${cells.join(' | ')} |`);
    }
  }
  return `${lines.join('\n')}\n`;
}
