import { seededRandom } from '../src/base/random.ts';
import { avg, count, max, sum } from '../src/define/aggregate.ts';
import { decimal, type EventOf, int64, string, timestamp } from '../src/define/column.ts';
import { entity } from '../src/define/entity.ts';
import { model } from '../src/define/model.ts';
import { service } from '../src/define/service.ts';
import { stream } from '../src/define/stream.ts';
import { view } from '../src/define/view.ts';
import { lifetime, sliding } from '../src/define/window.ts';

const FEATURES_OF_VIEW = 10;
const VIEWS_OF_NAMESPACE = 20;
const VIEWS_OF_SERVICE = 4;

const SUBJECTS = ['spend', 'orders', 'refunds', 'logins', 'basket', 'devices', 'delivery', 'fees'];
const OWNERS = ['risk', 'growth', 'ops', 'search', 'pricing'];
const TAGS = ['pii', 'core', 'experimental', 'gdpr', 'finance', 'realtime'];
const SIZES = ['10m', '1h', '1d', '7d'] as const;

const columns = {
  event: string(),
  user: string(),
  card: string(),
  amount: decimal(2),
  items: int64(),
  channel: string(),
  at: timestamp(),
};

/**
 * Definitions of so many features, through the DSL: ten in a view, twenty views in a namespace, with
 * sources, entities, services, models, tags and owners; the same each time. `changed`: of that view, of
 * all in order, there is a second version.
 */
export function registryWorld(features: number, changed = -1): unknown[] {
  const random = seededRandom(7);
  const views = Math.ceil(features / FEATURES_OF_VIEW);
  const definitions: unknown[] = [];
  for (let first = 0; first < views; first += VIEWS_OF_NAMESPACE) {
    const namespace = `team${first / VIEWS_OF_NAMESPACE}`;
    const own = Math.min(VIEWS_OF_NAMESPACE, views - first);
    definitions.push(...namespaceOf(namespace, own, random, changed - first));
  }
  return definitions;
}

type Random = ReturnType<typeof seededRandom>;

function sourceOf(namespace: string, name: string, owner: string) {
  return stream(`${namespace}.${name}`, {
    columns,
    eventTime: 'at',
    id: 'event',
    owner,
    description: `Events of ${name} of ${namespace}`,
  });
}

function namespaceOf(namespace: string, count: number, random: Random, changed: number): unknown[] {
  const owner = random.pick(OWNERS);
  const sources = ['payments', 'sessions'].map((name) => sourceOf(namespace, name, owner));
  const user = entity(`${namespace}.user`, { keys: { user: string() } });
  const card = entity(`${namespace}.card`, { keys: { card: string() } });
  const further: unknown[] = [];
  const views = Array.from({ length: count }, (_, at) => {
    const subject = `${SUBJECTS[at % SUBJECTS.length]}_${at}`;
    const channel = `channel${random.below(4)}`;
    const common = {
      version: 1,
      source: random.pick(sources),
      owner: random.pick(OWNERS),
      description: `What is known of ${subject}`,
      tags: TAGS.filter(() => random.below(4) === 0),
      filter: (row: RowOf) => row.channel.eq(channel),
      features: (row: RowOf) => featuresOf(row, subject, '7d'),
    };
    if (at === changed) {
      const features = (row: RowOf) => featuresOf(row, subject, '14d');
      const next = { ...common, version: 2, features };
      further.push(
        view(`${namespace}.${subject}`, { ...next, entity: user, key: { user: 'user' } }),
      );
    }
    return random.below(2) === 0
      ? view(`${namespace}.${subject}`, { ...common, entity: user, key: { user: 'user' } })
      : view(`${namespace}.${subject}`, { ...common, entity: card, key: { card: 'card' } });
  });
  const services = Array.from({ length: Math.ceil(count / VIEWS_OF_SERVICE) }, (_, at) =>
    service(`${namespace}.checks_${at}`, {
      version: 1,
      owner,
      description: `What scorer_${at} reads`,
      features: views
        .slice(at * VIEWS_OF_SERVICE, (at + 1) * VIEWS_OF_SERVICE)
        .map((one) => one.all()),
    }),
  );
  const models = services.map((one, at) =>
    model(`${namespace}.scorer_${at}`, { version: 1, owner, service: one }),
  );
  return [...sources, user, card, ...views, ...further, ...services, ...models];
}

type RowOf = EventOf<typeof columns>;

/** Ten features over a few measures and windows, as one view of a team has them. */
function featuresOf(row: RowOf, subject: string, size: '7d' | '14d') {
  const features = SIZES.flatMap((size) => [
    [`${subject}_count_${size}`, count().over(sliding(size))] as const,
    [`${subject}_total_${size}`, sum(row.amount).over(sliding(size)).default(0)] as const,
  ]);
  return Object.fromEntries([
    ...features,
    [`${subject}_mean_7d`, avg(row.items).over(sliding(size))] as const,
    [`${subject}_largest`, max(row.amount).over(lifetime())] as const,
  ]);
}
