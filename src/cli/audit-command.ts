import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { finished } from 'node:stream/promises';
import { viewerOf } from '../app/access/identity.ts';
import { allEntries, auditHead, listAudit, verifyAudit } from '../app/audit/read-audit.ts';
import { withRegistry } from '../app/with-registry.ts';
import { AsofError } from '../base/errors.ts';
import { LIMITS } from '../base/limits.ts';
import { colors as pc } from './colors.ts';
import type { CommonOptions, Context } from './context.ts';
import { timeOption } from './option-values.ts';
import { count, EXIT, table, wholeNumber } from './output.ts';
import { outputError } from './output-file.ts';

export interface AuditListOptions extends CommonOptions {
  readonly since?: string;
  readonly actor?: string;
  readonly action?: string;
  readonly namespace?: string;
  readonly limit: string;
}

export interface VerifyOptions extends CommonOptions {
  readonly head?: string;
}

export interface ExportOptions extends CommonOptions {
  readonly out?: string;
}

export async function listCommand({
  config,
  output,
  options,
}: Context<AuditListOptions>): Promise<number> {
  const { actor, action, namespace } = options;
  const sinceMs = timeOption('since', options.since);
  const limit = Math.min(wholeNumber('limit', options.limit), LIMITS.auditListed);
  const entries = await withRegistry(config, (registry) =>
    listAudit(registry, viewerOf(config), {
      limit,
      ...(sinceMs === null ? {} : { sinceMs }),
      ...(actor === undefined ? {} : { actor }),
      ...(action === undefined ? {} : { action }),
      ...(namespace === undefined ? {} : { namespace }),
    }),
  );
  const shown = entries.map((one) => ({ ...one, details: detailsOf(one.details) }));
  output.finish({ entries: shown }, () => {
    if (entries.length === 0) output.say('No entry is like that.');
    const rows = entries.map((one) => [
      String(one.seq),
      new Date(one.atMs).toISOString(),
      one.actor,
      one.action,
      one.target,
      one.outcome,
      shortened(one.details),
    ]);
    for (const [at, line] of table(rows).entries()) {
      output.say(entries[at]?.outcome === 'done' ? line : pc.yellow(line));
    }
  });
  return EXIT.ok;
}

const DETAILS_SHOWN = 100;

function shortened(details: string): string {
  return details.length <= DETAILS_SHOWN ? details : `${details.slice(0, DETAILS_SHOWN)}…`;
}

/** As it is stored; what somebody altered may be no JSON any more. */
function detailsOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

export async function verifyCommand({
  config,
  output,
  options,
}: Context<VerifyOptions>): Promise<number> {
  const expected = options.head === undefined ? null : headOf(options.head);
  const progress = output.progress('verifying', 0);
  let bar = progress;
  let known = 0;
  const report = await withRegistry(config, (registry) =>
    verifyAudit(registry, viewerOf(config), expected, (done, total) => {
      if (known !== total) bar = output.progress('verifying', total);
      known = total;
      bar.update(done, `${count(done)} entries`);
    }),
  );
  bar.stop();
  const { entries, head, unsigned, broken } = report;
  output.finish({ ...report, head: headText(head) }, () => {
    if (broken !== null) {
      output.say(pc.red(`${pc.bold('broken')} at entry ${broken.seq}: ${broken.kind}`));
      output.say(`  ${broken.why}`);
      output.say(`  whole before it: ${count(entries)} entries`);
      return;
    }
    output.say(`${pc.green('✓')} ${count(entries)} entries, whole; head ${headText(head)}`);
    if (unsigned > 0) {
      output.say(
        pc.dim(`  unsigned up to ${unsigned}: keep heads elsewhere, or set ASOF_AUDIT_KEY`),
      );
    }
    if (expected === null) {
      output.say(
        pc.dim('  what was cut off at the end shows against a head kept elsewhere: --head'),
      );
    }
  });
  return broken === null ? EXIT.ok : EXIT.failed;
}

/** `1203:9f2c…`, all 64 digits of it. @throws AsofError `usage` */
function headOf(text: string): { readonly seq: number; readonly hash: string } {
  const [, seq, hash] = /^(\d{1,15}):([0-9a-f]{64})$/.exec(text.trim()) ?? [];
  if (seq !== undefined && hash !== undefined) return { seq: Number(seq), hash };
  throw new AsofError('usage', `--head takes what \`asof audit head\` prints, not '${text}'.`);
}

function headText({ seq, hash }: { readonly seq: number; readonly hash: string }): string {
  return `${seq}:${hash}`;
}

export async function headCommand({ config, output }: Context): Promise<number> {
  const head = await withRegistry(config, (registry) => auditHead(registry, viewerOf(config)));
  output.finish({ head: headText(head), ...head }, () => output.say(headText(head)));
  return EXIT.ok;
}

export async function exportCommand({
  config,
  output,
  options: { out },
}: Context<ExportOptions>): Promise<number> {
  const file = out === undefined ? null : createWriteStream(out, { flags: 'wx', mode: 0o600 });
  const stream = file ?? process.stdout;
  // A file that is there already says so before anything is read.
  if (file !== null) {
    await once(file, 'open').catch((cause: unknown) => {
      throw outputError(cause, out ?? '');
    });
  }
  const progress = output.progress('exporting', 0);
  const written = await withRegistry(config, async (registry) => {
    let entries = 0;
    for await (const entry of allEntries(registry, viewerOf(config))) {
      entries += 1;
      if (!stream.write(`${JSON.stringify(entry)}\n`)) await once(stream, 'drain');
      if (entries % LIMITS.auditPageEntries === 0) progress.update(entries, count(entries));
    }
    return entries;
  });
  progress.stop();
  if (file !== null) {
    file.end();
    await finished(file);
    output.finish({ out, entries: written }, () =>
      output.say(`${pc.green('✓')} ${count(written)} entries in ${out}`),
    );
  }
  return EXIT.ok;
}
