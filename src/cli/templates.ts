/** The files of a new project; `asof init` writes those that are not there yet. */
export interface Template {
  readonly path: string;
  readonly text: string;
}

const FEATURES = `import {
  avg, count, decimal, entity, last, lifetime, max, service, sliding, stream, string, sum,
  timestamp, view,
} from 'asof';

// The thing that features describe, and the column that identifies one.
export const user = entity('user', { keys: { user: string() } });

// Events as they arrive. Times are epoch milliseconds or RFC 3339 text.
export const payments = stream('payments', {
  columns: {
    payment: string(),
    user: string(),
    amount: decimal(2),
    country: string(),
    at: timestamp(),
  },
  eventTime: 'at',
  id: 'payment',
  allowedLateness: '7d',
});

// Features, defined once: served online and used in training from this one definition.
export const spending = view('spending', {
  version: 1,
  source: payments,
  entity: user,
  key: { user: 'user' },
  owner: 'risk',
  freshness: '5s',
  features: (payment) => ({
    payments_10m: count().over(sliding('10m')),
    payments_24h: count().over(sliding('24h')),
    spent_24h: sum(payment.amount).over(sliding('24h')).default(0),
    mean_amount_7d: avg(payment.amount).over(sliding('7d')),
    largest_ever: max(payment.amount).over(lifetime()),
    last_country: last(payment.country).over(lifetime()),
  }),
  derived: (feature) => ({
    burst: feature.payments_10m.div(feature.payments_24h).default(0),
  }),
});

// What one model reads.
export const fraud = service('fraud', { version: 1, features: [spending.all()] });
`;

const CONFIG = {
  definitions: 'features.ts',
  dataDir: '.asof',
  port: 6570,
  clock: 'wall',
};

const TSCONFIG = {
  compilerOptions: {
    target: 'es2024',
    module: 'nodenext',
    strict: true,
    noEmit: true,
    allowImportingTsExtensions: true,
    skipLibCheck: true,
  },
  include: ['*.ts'],
};

const COUNTRIES = ['NL', 'DE', 'FR', 'NL', 'NL'] as const;
const MINUTE_MS = 60_000;

function sampleEvents(nowMs: number): string {
  const lines: string[] = [];
  for (let at = 0; at < 60; at += 1) {
    const user = `u${(at % 4) + 1}`;
    const amount = 5 + ((at * 37) % 95) + (user === 'u3' ? 400 : 0);
    lines.push(
      JSON.stringify({
        payment: `p${at + 1}`,
        user,
        amount: `${amount}.${String((at * 7) % 100).padStart(2, '0')}`,
        country: user === 'u3' ? COUNTRIES[at % 5] : 'NL',
        at: new Date(nowMs - (60 - at) * MINUTE_MS).toISOString(),
      }),
    );
  }
  return `${lines.join('\n')}\n`;
}

function sampleLabels(nowMs: number): string {
  const lines = ['user,event_time,is_fraud'];
  for (const [at, user] of ['u1', 'u2', 'u3', 'u4', 'u9'].entries()) {
    // A training row knows what had arrived by its time: these come after the first push.
    const time = new Date(nowMs + (at + 60) * MINUTE_MS).toISOString();
    lines.push(`${user},${time},${user === 'u3' ? 1 : 0}`);
  }
  return `${lines.join('\n')}\n`;
}

export function projectTemplates(name: string, asof: string, nowMs: number): Template[] {
  const pkg = {
    name,
    private: true,
    type: 'module',
    scripts: { dev: 'asof dev', plan: 'asof plan', apply: 'asof apply' },
    dependencies: { asof },
    devDependencies: { node: '^24.0.0', typescript: '^7.0.0' },
  };
  return [
    { path: 'features.ts', text: FEATURES },
    { path: 'asof.json', text: `${JSON.stringify(CONFIG, null, 2)}\n` },
    { path: 'package.json', text: `${JSON.stringify(pkg, null, 2)}\n` },
    { path: 'tsconfig.json', text: `${JSON.stringify(TSCONFIG, null, 2)}\n` },
    { path: '.gitignore', text: 'node_modules/\n.asof/\n' },
    { path: 'payments.ndjson', text: sampleEvents(nowMs) },
    { path: 'labels.csv', text: sampleLabels(nowMs) },
  ];
}
