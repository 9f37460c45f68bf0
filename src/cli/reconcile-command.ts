import { backfillProject, planBackfill } from '../app/backfill.ts';
import { listAudits, type ShownAudit, showAudit, tableUnits } from '../app/reconcile.ts';
import { AsofError } from '../base/errors.ts';
import { sayPlan, sayReport } from './backfill-command.ts';
import { type LimitOptions, limitsOf, withBar } from './backfill-options.ts';
import { colors as pc } from './colors.ts';
import type { Context } from './context.ts';
import { count, EXIT, type Output, stringifyExact, table, wholeNumber } from './output.ts';

export interface ReconcileOptions extends LimitOptions {
  readonly show?: string;
  readonly list?: boolean;
  readonly limit: string;
}

export async function reconcileCommand(
  context: Context<ReconcileOptions>,
  view: string | null,
): Promise<number> {
  const { config, output, options } = context;
  const limit = wholeNumber('limit', options.limit);
  if (options.show !== undefined) {
    const audit = await showAudit(config, wholeNumber('show', options.show), limit);
    output.finish(audit, () => sayAudit(output, audit));
    return EXIT.ok;
  }
  if (options.list === true) {
    const audits = await listAudits(config, limit);
    output.finish({ audits }, () => sayAudits(output, audits));
    return EXIT.ok;
  }
  if (view !== null && options.all === true) {
    throw new AsofError('usage', 'asof reconcile takes a view or --all, not both.');
  }
  const request = { ...limitsOf(options), selector: view, kind: 'reconcile' as const };
  const tables = tableUnits(config);
  if (options.dryRun === true) {
    const { result } = await withBar(output, 'plan', (ways) =>
      planBackfill(config, { ...request, ...ways }),
    );
    const groups = result.groups.filter(({ final, settled }) => final.length + settled.length > 0);
    output.finish({ dryRun: true, ...result, groups, tables }, () => {
      if (groups.length === 0) output.say('No day that was final has got events since.');
      sayPlan(output, { ...result, groups });
      sayTables(output, tables);
    });
    return EXIT.ok;
  }
  const { result, stopped } = await withBar(output, 'reconcile', (ways) =>
    backfillProject(config, { ...request, ...ways }),
  );
  output.finish({ ...result, tables }, () => {
    sayReport(output, result);
    sayTables(output, tables);
  });
  return stopped ? EXIT.stopped : EXIT.ok;
}

function sayAudits(output: Output, audits: Awaited<ReturnType<typeof listAudits>>): void {
  if (audits.length === 0) output.say('Nothing that was final has changed.');
  const rows = audits.map(({ number, partition, subject, details, writtenMs }) => [
    String(number),
    new Date(writtenMs).toISOString().slice(0, 19),
    subject,
    partition,
    details.accepted === true
      ? `let through: ${details.reason}`
      : `${count(Number(details.tiles))} tiles of ${count(Number(details.keys))} keys`,
    textsOf(details.datasets).join(', '),
  ]);
  for (const line of table(rows)) output.say(line);
}

/** A unit of a table that was not as expected, and was let through. */
function sayAccepted(output: Output, { details, partition, number, rows }: ShownAudit): void {
  output.say(pc.bold(`record ${number}: ${partition} of the table ${details.table}`));
  output.say(`  ${details.run}: ${count(rows)} rows were let through: ${details.reason}`);
  for (const finding of textsOf(details.findings)) output.say(`  ${finding}`);
}

function sayAudit(output: Output, audit: ShownAudit): void {
  const { details, tiles, partition, number } = audit;
  if (details.accepted === true) {
    sayAccepted(output, audit);
    return;
  }
  const added = Number(details.eventsAfter) - Number(details.eventsBefore);
  output.say(pc.bold(`record ${number}: ${partition} of ${details.group} (${details.source})`));
  output.say(
    `  ${details.run}, commits ${Number(details.afterCommit) + 1} to ${details.throughCommit}: ` +
      `${count(added)} rows came after the day was final`,
  );
  output.say(
    `  ${count(Number(details.tiles))} tiles of ${count(Number(details.keys))} keys differ`,
  );
  const datasets = textsOf(details.datasets);
  output.say(`  training sets affected: ${datasets.length === 0 ? 'none' : datasets.join(', ')}`);
  const rows = tiles.map(({ keys, startMs, before, after }) => [
    `  ${keys.map(String).join(' ')}`,
    new Date(startMs).toISOString(),
    fieldsText(before),
    '→',
    fieldsText(after),
  ]);
  for (const line of table(rows)) output.say(line);
  const more = Number(details.tiles) - tiles.length;
  if (more > 0) output.say(`  and ${count(more)} more (--limit)`);
}

function fieldsText(fields: Readonly<Record<string, unknown>> | null): string {
  if (fields === null) return 'none';
  return Object.entries(fields)
    .map(([name, value]) => `${name}=${stringifyExact([value]).slice(1, -1)}`)
    .join(' ');
}

function textsOf(value: unknown): string[] {
  return Array.isArray(value) ? value.map(String) : [];
}

function sayTables(output: Output, tables: ReturnType<typeof tableUnits>): void {
  for (const { table: name, units } of tables) {
    output.say(
      `table ${name}: ${count(units.final)} units final, ${count(units.provisional)} provisional` +
        (units.dirty > 0 ? `, ${count(units.dirty)} dirty (run \`asof materialize ${name}\`)` : ''),
    );
  }
}
