/** The main job on real data: from nothing to served, trained and verified. */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import pc from 'picocolors';
import { type FlightData, openFlights, readTrainingSet } from './data.ts';
import { airports, honest, leaky } from './features.ts';
import { areaUnderRoc, fitLogistic, splitByTime } from './model.ts';
import { Platform } from './platform.ts';
import { percentile, replayYear } from './replay.ts';
import { grouped, Story } from './story.ts';

const { values: options } = parseArgs({
  options: {
    once: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    full: { type: 'boolean', default: false },
    port: { type: 'string', default: '6570' },
  },
});

const folder = join(import.meta.dirname, '..', '..', '.demo');
const story = new Story(options.json);

function tellWhy(): void {
  story.say(pc.bold('asof: one definition, one number, everywhere'));
  story.tell(
    `A model shall say at departure whether a flight will be more than 15 minutes late. The best
     hint is how late the last hours' flights from that airport were. But a delay is known only
     once a flight has landed. Join on the date of departure, as a table invites you to, and the
     model learns from delays that nobody could have known: it shines in the notebook and fails
     in production, and no error ever says so.`,
  );
}

async function replay(data: FlightData, platform: Platform): Promise<object> {
  story.chapter(1, 'Replay 2001 through the front door, and serve while it streams');
  const result = await replayYear(data, platform.url, (events, untilMs, rate) => {
    const day = new Date(untilMs).toISOString().slice(0, 16).replace('T', ' ');
    story.progress('events', events, data.events, `${day}  ${grouped(rate)} events/s`);
  });
  const latency = (share: number): string =>
    `${percentile(result.latenciesMs, share).toFixed(2)} ms`;
  story.fact('flights sent over HTTP', grouped(result.events));
  story.fact('accepted, durable, de-duplicated', grouped(result.accepted));
  story.fact('rejected, kept with their reason', grouped(result.rejected));
  story.fact('rate, serving included', `${grouped(result.events / result.seconds)} events/s`);
  story.fact('feature requests answered', grouped(result.served));
  story.fact('latency at the client', `p50 ${latency(0.5)}, p99 ${latency(0.99)}`);
  return result;
}

interface Trained {
  readonly dataset: string;
  readonly rows: number;
  /** Those that are numbers, for the model. */
  readonly features: readonly string[];
  readonly path: string;
  readonly seconds: number;
}

const NO_FEATURES = ['flight', 'origin', 'destination', 'event_time', 'late'];

/** Builds a dataset by its definition; it is recorded, to be built again. */
async function train(
  data: FlightData,
  platform: Platform,
  { name }: { readonly name: string },
): Promise<Trained> {
  const path = join(folder, `${name}.parquet`);
  const started = performance.now();
  const { rows } = await platform.command('train', '--dataset', name, '--out', path);
  const described = await data.connection.runAndReadAll(`DESCRIBE SELECT * FROM '${path}'`);
  const features = described.getRows().flatMap(([column, type]) => {
    const isNumber = type !== 'VARCHAR' && !NO_FEATURES.includes(String(column));
    return isNumber ? [String(column)] : [];
  });
  const seconds = (performance.now() - started) / 1000;
  return { dataset: `${name}@1`, rows: Number(rows), features, path, seconds };
}

interface Finding {
  readonly severity: 'leak' | 'warning' | 'info';
  readonly message: string;
}

async function leaksOf(platform: Platform, { name }: { readonly name: string }): Promise<string[]> {
  const words = ['train', '--dataset', name, '--check-leakage', '--label', 'late'];
  const { findings } = await platform.command(...words);
  const found = Array.isArray(findings) ? (findings as Finding[]) : [];
  return found.flatMap(({ severity, message }) => (severity === 'leak' ? [message] : []));
}

/** Fails unless the leaky dataset is flagged, and the honest one is not. */
async function tellLeaks(platform: Platform): Promise<void> {
  story.chapter(3, 'Let the leak detector look at both');
  const looks = [honest, leaky].map((dataset) => leaksOf(platform, dataset));
  const [ofHonest = [], ofLeaky = []] = await Promise.all(looks);
  story.fact(honest.name, ofHonest.length === 0 ? pc.green('no leak found') : pc.red('leaks'));
  story.fact(leaky.name, pc.red(`${ofLeaky.length} features leak`));
  for (const message of ofLeaky.slice(0, 3)) story.say(`  ${pc.red('✗')} ${message}`);
  if (ofHonest.length > 0 || ofLeaky.length === 0) process.exitCode = 1;
}

interface Aucs {
  readonly pointInTimeAuc: number;
  readonly leakyAuc: number;
  /** What the leaky model gives when it is served what was really known. */
  readonly deliveredAuc: number;
  readonly oneFeature: number;
  readonly oneFeatureLeaky: number;
}

/** Trains on the earlier 70 % of the rows; scores the later 30 %. */
async function compare(data: FlightData, honest: Trained, leaky: Trained): Promise<Aucs> {
  const load = async (path: string) =>
    splitByTime(await readTrainingSet(data.connection, path, honest.features), 0.7);
  const [honestTrain, honestTest] = await load(honest.path);
  const [leakyTrain, leakyTest] = await load(leaky.path);
  const auc = (
    model: { score(features: readonly (number | null)[]): number },
    rows: typeof honestTest,
  ): number =>
    areaUnderRoc(rows.map((row) => ({ score: model.score(row.features), late: row.late })));
  const honestModel = fitLogistic(honestTrain);
  const leakyModel = fitLogistic(leakyTrain);
  const at = honest.features.indexOf('origin_mean_delay_3h');
  const alone = { score: (features: readonly (number | null)[]) => features[at] ?? 0 };
  return {
    pointInTimeAuc: auc(honestModel, honestTest),
    leakyAuc: auc(leakyModel, leakyTest),
    deliveredAuc: auc(leakyModel, honestTest),
    oneFeature: auc(alone, honestTest),
    oneFeatureLeaky: auc(alone, leakyTest),
  };
}

async function tellModels(
  data: FlightData,
  platform: Platform,
): Promise<Aucs & { readonly trainingRows: number }> {
  story.chapter(2, 'Build the training set, point in time');
  const known = await train(data, platform, honest);
  const byDate = await train(data, platform, leaky);
  story.fact('rows of the spine, all kept', grouped(known.rows));
  story.fact('numbers joined as of each row', String(known.features.length));
  story.fact('time, known at serving', `${known.seconds.toFixed(1)} s`);
  await tellRebuild(platform, known);
  await tellLeaks(platform);
  story.chapter(4, 'Train a small model twice, and see what leakage would have promised');
  const aucs = await compare(data, known, byDate);
  story.say(pc.dim('  the mean delay at the origin over 3 hours, alone'));
  story.auc('joined on the date', aucs.oneFeatureLeaky, pc.red);
  story.auc('joined on what was known', aucs.oneFeature, pc.green);
  story.say(pc.dim(`  a model of all ${known.features.length} features`));
  story.auc('joined on the date: promised', aucs.leakyAuc, pc.red);
  story.auc('  the same model, in production', aucs.deliveredAuc, pc.yellow);
  story.auc('joined on what was known', aucs.pointInTimeAuc, pc.green);
  const missing = Math.round((aucs.leakyAuc - aucs.deliveredAuc) * 1000) / 1000;
  story.tell(
    `Area under ROC, 0.5 is a coin. The leaky join promised ${missing.toFixed(3)} more than it could
     ever deliver. The honest one delivers what it promised, because serving computes the same
     numbers.`,
  );
  return { trainingRows: known.rows, ...aucs };
}

/** What was recorded with the dataset is enough to make the same file once more. */
async function tellRebuild(platform: Platform, { dataset }: Trained): Promise<void> {
  const again = join(folder, 'again.parquet');
  const { same } = await platform.command('dataset', 'rebuild', dataset, '--out', again);
  const words = same === 'bytes' ? pc.green('the same bytes') : pc.red(`not the same: ${same}`);
  story.fact('built again from its manifest', words);
}

async function tellVerification(
  platform: Platform,
): Promise<{ verified: number; mismatches: number }> {
  story.chapter(5, 'Replay every served answer offline and compare with ===');
  const report = await platform.command('verify', '--sample', '1000000');
  const verified = Number(report.verified);
  const mismatches = Number(report.mismatches);
  story.fact('answers replayed at their position', grouped(verified));
  story.fact('values compared', grouped(Number(report.values)));
  story.fact('differences', mismatches === 0 ? pc.green('0') : pc.red(String(mismatches)));
  return { verified, mismatches };
}

async function main(): Promise<void> {
  tellWhy();
  const data = await openFlights(options.full);
  const platform = await Platform.start(folder, options.once ? 0 : Number(options.port));
  process.once('SIGINT', () => void platform.stop().then(() => process.exit(130)));
  try {
    await data.writeAirports(join(folder, 'airports.csv'));
    await platform.command('materialize', airports.name);
    const { events, accepted, rejected, served } = Object(await replay(data, platform));
    const models = await tellModels(data, platform);
    const { verified, mismatches } = await tellVerification(platform);
    const { trainingRows, leakyAuc, pointInTimeAuc } = models;
    if (mismatches > 0) process.exitCode = 1;
    if (options.json) {
      const counts = { events, accepted, rejected, served, verified, mismatches };
      const result = { ...counts, trainingRows, leakyAuc, pointInTimeAuc };
      process.stdout.write(`${JSON.stringify(result)}\n`);
    }
    if (!options.once) await stayUp(platform);
  } finally {
    await platform.stop();
  }
}

async function stayUp(platform: Platform): Promise<void> {
  story.chapter(6, 'Yours to try; Ctrl-C ends it');
  story.say(`  curl -s ${platform.url}/v1/status`);
  story.say(`  curl -s ${platform.url}/v1/features -H 'content-type: application/json' \\`);
  story.say(`    -d '{"service":"late_flight","rows":[{"origin":"ATL","destination":"ORD"}]}'`);
  await new Promise(() => {});
}

await main();
