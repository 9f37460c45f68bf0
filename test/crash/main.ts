/** kill -9 of the real process under load, restart, check: nothing lost, nothing twice. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { loadConfig } from '../../src/app/config.ts';
import { openHistory, verifyProject } from '../../src/app/offline.ts';
import { appliedPlan } from '../../src/app/project.ts';
import { type Random, seededRandom } from '../../src/base/random.ts';
import type { ProjectPlan } from '../../src/plan/plan.ts';
import { eventsOf } from '../../src/testing/platform-oracle.ts';
import { type HoldChange, Holds } from './holds.ts';
import { Ledger, type Transfer } from './ledger.ts';
import { ServerProcess } from './server-process.ts';

export interface CrashResult {
  readonly cycles: number;
  readonly acknowledged: number;
  readonly lost: number;
  readonly doubled: number;
}

const BATCH = 400;
const SENDERS = 3;

/** Runs `cycles` kills and gives what was acknowledged, lost and counted twice. */
export async function crashCycles(
  cycles: number,
  seed: number,
  say: (line: string) => void,
): Promise<CrashResult> {
  const random = seededRandom(seed);
  const folder = mkdtempSync(join(tmpdir(), 'asof-crash-'));
  const config = {
    definitions: join(import.meta.dirname, 'features.ts'),
    archiveEverySeconds: 1,
    logLevel: 'error',
  };
  writeFileSync(join(folder, 'asof.json'), JSON.stringify(config));
  const ledger = new Ledger(random);
  const holds = new Holds(random);
  let lost = 0;
  let doubled = 0;
  try {
    let server = await ServerProcess.start(folder);
    for (let cycle = 1; cycle <= cycles; cycle += 1) {
      await killUnderLoad(server, ledger, holds, random);
      server = await ServerProcess.start(folder);
      const before = await compare(server, ledger);
      await push(server, ledger.unacknowledged(), ledger);
      await pushHolds(server, holds.unacknowledged(), holds);
      const after = await compare(server, ledger);
      const table = await compareHolds(server, holds);
      after.lost += table.lost;
      after.doubled += table.doubled;
      lost += before.lost + after.lost;
      doubled += before.doubled + after.doubled;
      say(
        `cycle ${cycle}: ${ledger.acknowledgedCount} acknowledged, ` +
          `lost ${before.lost + after.lost}, doubled ${before.doubled + after.doubled}`,
      );
    }
    await server.stop();
    const offline = await checkHistory(folder, ledger);
    lost += offline.lost;
    doubled += offline.doubled;
    say(
      `history: lost ${offline.lost}, doubled ${offline.doubled}; ${offline.verified} answers replayed`,
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return { cycles, acknowledged: ledger.acknowledgedCount, lost, doubled };
}

async function killUnderLoad(
  server: ServerProcess,
  ledger: Ledger,
  holds: Holds,
  random: Random,
): Promise<void> {
  let killed = false;
  // One sender: changes of one hold must come in their order.
  const changer = async (): Promise<void> => {
    while (!killed) {
      const batch = holds.newBatch(1 + random.below(BATCH / 4), Date.now());
      try {
        await pushHolds(server, batch, holds);
      } catch {
        return;
      }
    }
  };
  const senders = Array.from({ length: SENDERS }, async () => {
    while (!killed) {
      const batch = ledger.newBatch(1 + random.below(BATCH), Date.now());
      try {
        await push(server, batch, ledger);
      } catch {
        return;
      }
    }
  });
  const changing = changer();
  await wait(100 + random.below(1_200));
  await server.kill();
  killed = true;
  await Promise.all([...senders, changing]);
}

async function push(
  server: ServerProcess,
  batch: readonly Transfer[],
  ledger: Ledger,
): Promise<void> {
  await pushRows(server, 'transfers', batch);
  ledger.acknowledge(batch);
}

async function pushHolds(
  server: ServerProcess,
  batch: readonly HoldChange[],
  holds: Holds,
): Promise<void> {
  await pushRows(server, 'holds', batch);
  holds.acknowledge(batch);
}

async function pushRows(
  server: ServerProcess,
  source: string,
  batch: readonly object[],
): Promise<void> {
  if (batch.length === 0) return;
  const response = await fetch(`${server.url}/v1/events/${source}`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-ndjson' },
    body: batch.map((one) => JSON.stringify(one)).join('\n'),
  });
  const answer = (await response.json()) as {
    accepted?: number;
    rejections?: { code: string; message: string }[];
  };
  const strange = (answer.rejections ?? []).find((one) => one.code !== 'duplicate');
  if (answer.accepted === undefined || strange !== undefined) {
    throw new Error(`a push was refused: ${JSON.stringify(strange ?? answer)}`);
  }
}

async function served(
  server: ServerProcess,
  accounts: readonly string[],
): Promise<Record<string, unknown>[]> {
  const response = await fetch(`${server.url}/v1/features`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ service: 'ledger', rows: accounts.map((account) => ({ account })) }),
  });
  const answer = (await response.json()) as { rows: { values: Record<string, unknown> }[] };
  return answer.rows.map(({ values }) => values);
}

/** The table as it is served, once every change has been answered. */
async function compareHolds(
  server: ServerProcess,
  holds: Holds,
): Promise<{ lost: number; doubled: number }> {
  const expected = [...holds.expected()];
  const values = await served(
    server,
    expected.map(([account]) => account),
  );
  let lost = 0;
  let doubled = 0;
  for (const [at, [, total]] of expected.entries()) {
    const open = Number(values[at]?.holds_open);
    lost += Math.max(0, total.count - open);
    doubled += Math.max(0, open - total.count);
    if (open === total.count && values[at]?.cents_held !== total.cents) lost += 1;
  }
  return { lost, doubled };
}

async function compare(
  server: ServerProcess,
  ledger: Ledger,
): Promise<{ lost: number; doubled: number }> {
  const expected = [...ledger.expected()];
  const answers = await served(
    server,
    expected.map(([account]) => account),
  );
  let lost = 0;
  let doubled = 0;
  for (const [at, [account, total]] of expected.entries()) {
    const values = answers[at];
    if (values === undefined) throw new Error(`no answer for ${account}`);
    const ever = Number(values.transfers_ever);
    lost += Math.max(0, total.atLeast - ever);
    doubled += Math.max(0, ever - total.atMost);
    // The same events feed a second window and a sum: a count that is right by luck shows there.
    if (values.transfers_1h !== ever) doubled += 1;
    const settled = total.atLeast === total.atMost;
    if (settled && values.cents_ever !== total.cents) lost += 1;
  }
  return { lost, doubled };
}

/** Archive and log hold each event once, and every answer given on the way can be replayed. */
async function checkHistory(
  folder: string,
  ledger: Ledger,
): Promise<{ lost: number; doubled: number; verified: number }> {
  const config = loadConfig(folder);
  const { plan } = await appliedPlan(config);
  const history = await openHistory(config, plan);
  const columns = columnNames(plan);
  let events = 0;
  const ids = new Set<string>();
  for await (const batch of history.batches()) {
    if (batch.source !== 'transfers') continue;
    events += batch.count;
    for (const { values } of eventsOf(batch, columns)) ids.add(String(values.transfer));
  }
  const report = await verifyProject(config, 1_000_000);
  return {
    lost: ledger.acknowledgedCount - ids.size + report.mismatched,
    doubled: events - ids.size,
    verified: report.answers,
  };
}

function columnNames(plan: ProjectPlan): string[] {
  const source = plan.sources.find(({ name }) => name === 'transfers');
  return (source?.columns ?? []).map((column) => column.name);
}

if (import.meta.main) {
  const { values: options } = parseArgs({
    options: {
      cycles: { type: 'string', default: '20' },
      seed: { type: 'string', default: '1' },
      json: { type: 'boolean', default: false },
    },
  });
  const say = (line: string): void => void process.stderr.write(`${line}\n`);
  const result = await crashCycles(Number(options.cycles), Number(options.seed), say);
  if (options.json) process.stdout.write(`${JSON.stringify(result)}\n`);
  else process.stdout.write(`${result.lost} lost, ${result.doubled} doubled\n`);
  process.exitCode = result.lost + result.doubled > 0 ? 1 : 0;
}
