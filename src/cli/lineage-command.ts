import { viewerOf } from '../app/access/identity.ts';
import { exploreApplied, type LineageAnswer } from '../app/explore.ts';
import { appliedEvents } from '../app/tell-lineage.ts';
import { AsofError } from '../base/errors.ts';
import { colors as pc } from './colors.ts';
import type { CommonOptions, Context } from './context.ts';
import { lineageDot } from './lineage-dot.ts';
import { lineageTree } from './lineage-tree.ts';
import { EXIT, type Output, wholeNumber } from './output.ts';

export interface LineageOptions extends CommonOptions {
  readonly upstream?: boolean;
  readonly downstream?: boolean;
  readonly depth?: string;
  readonly direct?: boolean;
  readonly dot?: boolean;
  readonly openlineage?: boolean;
}

/** Lines of one tree; what is longer is for --json, --dot or a smaller depth. */
const LINES_MAX = 500;

export async function lineageCommand(
  { config, output, options }: Context<LineageOptions>,
  names: readonly string[],
): Promise<number> {
  if (options.openlineage === true) {
    if (names.length > 0) throw new AsofError('usage', '--openlineage tells of everything.');
    const events = await appliedEvents(config);
    output.finish({ events }, () => {
      for (const event of events) output.say(JSON.stringify(event));
    });
    return EXIT.ok;
  }
  if (names.length === 0) {
    throw new AsofError('usage', 'Name what to follow, as in `asof lineage payments.amount`.');
  }
  if (options.dot === true && output.json) {
    throw new AsofError('usage', '--dot and --json are two forms of one answer; choose one.');
  }
  const explorer = await exploreApplied(config);
  const depth = options.depth === undefined ? {} : { depth: wholeNumber('depth', options.depth) };
  const directOnly = options.direct === true;
  const answers = names.flatMap((name) =>
    directionsOf(options).map((direction) =>
      explorer.lineage(name, { direction, directOnly, ...depth }, viewerOf(config)),
    ),
  );
  output.finish({ lineage: answers }, () => {
    if (options.dot === true) output.say(lineageDot(answers));
    else for (const answer of answers) sayAnswer(output, answer);
  });
  return EXIT.ok;
}

/** Both, unless one is asked for. */
function directionsOf({ upstream, downstream }: LineageOptions): LineageAnswer['direction'][] {
  if (upstream === downstream) return ['upstream', 'downstream'];
  return upstream === true ? ['upstream'] : ['downstream'];
}

function sayAnswer(output: Output, answer: LineageAnswer): void {
  const { node, direction, nodes, definitions, hidden, truncated } = answer;
  const from = direction === 'upstream' ? 'comes from' : 'is read by';
  output.say(`${pc.bold(node.id)} ${pc.dim(from)}`);
  const lines = lineageTree(answer);
  for (const { indent, branch, text, note, how } of lines.slice(0, LINES_MAX)) {
    const shown = how === 'direct' ? text : pc.dim(text);
    output.say(
      `  ${pc.dim(`${indent}${branch}`)}${shown}${note === '' ? '' : pc.dim(`  ${note}`)}`,
    );
  }
  if (lines.length > LINES_MAX) {
    output.say(pc.dim(`  … ${lines.length - LINES_MAX} more lines: use --depth, --dot or --json`));
  }
  const direct = nodes.filter(({ how }) => how === 'direct').length;
  const counts = [
    `${direct} direct`,
    `${nodes.length - direct} indirect`,
    ...(definitions.length > 0 ? [`of ${definitions.map(({ id }) => id).join(', ')}`] : []),
    ...(hidden > 0 ? [`${hidden} that you may not see`] : []),
    ...(truncated ? ['and more beyond the depth'] : []),
  ];
  output.say(`  ${pc.dim(nodes.length + hidden === 0 ? 'nothing' : counts.join(', '))}`);
  output.say();
}
