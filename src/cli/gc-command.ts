import { collectGarbage } from '../app/gc/collect.ts';
import { colors as pc } from './colors.ts';
import type { CommonOptions, Context } from './context.ts';
import { count, EXIT, table } from './output.ts';

export interface GcOptions extends CommonOptions {
  readonly dryRun?: boolean;
  readonly compact?: boolean;
}

/** Removals of one kind that are shown one by one. */
const SHOWN = 20;

export async function gcCommand({ config, output, options }: Context<GcOptions>): Promise<number> {
  const report = await collectGarbage(config, {
    dryRun: options.dryRun === true,
    compact: options.compact === true,
  });
  output.finish(report, () => {
    const { removals, bytes, leftOut, compacted, dryRun } = report;
    const byKind = Map.groupBy(removals, ({ what }) => what);
    for (const [what, ofKind] of byKind) {
      const sum = ofKind.reduce((total, one) => total + one.bytes, 0);
      output.say(pc.bold(`${what}: ${count(ofKind.length)}, ${count(sum)} bytes`));
      const lines = ofKind
        .slice(0, SHOWN)
        .map((one) => [one.path, `${count(one.bytes)} bytes`, one.why]);
      for (const line of table(lines)) output.say(`  ${line}`);
      if (ofKind.length > SHOWN) output.say(`  and ${count(ofKind.length - SHOWN)} more`);
    }
    if (compacted !== null && compacted.replaced > 0) {
      output.say(`merged ${compacted.replaced} archive files into ${compacted.written}`);
    }
    for (const why of leftOut) output.say(pc.yellow(`left for the next time: ${why}`));
    const verb = dryRun ? 'would go' : 'are gone';
    output.say(`${pc.green('✓')} ${count(removals.length)} items, ${count(bytes)} bytes ${verb}`);
  });
  return EXIT.ok;
}
