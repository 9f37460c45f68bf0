import {
  bool,
  count,
  decimal,
  entity,
  float64,
  int64,
  type ServiceRequest,
  type ServiceValues,
  service,
  sliding,
  stream,
  string,
  sum,
  timestamp,
  topK,
  view,
} from '../../src/index.ts';
import { same } from './same.ts';

const card = entity('card', { keys: { card: string() } });
const payments = stream('payments', {
  columns: { card: string(), shop: string(), amount: decimal(2), at: timestamp() },
  eventTime: 'at',
});
const spend = view('spend', {
  version: 1,
  source: payments,
  entity: card,
  key: { card: 'card' },
  features: (payment) => ({
    payments_1h: count().over(sliding('1h')),
    spent_1d: sum(payment.amount).over(sliding('1d')),
    shops_1d: topK(payment.shop, 3).over(sliding('1d')),
  }),
});

const toEuro = (amount: number, rate: number): number => amount * rate;
const RATES = { usd: 0.9, gbp: 1.2 };

/** Inputs have the types of what they name, and outputs feed the functions after them. */
const checks = service('checks', {
  version: 1,
  features: [spend.all()],
  request: { amount: float64(), currency: string().optional() },
  onDemand: ({ request, feature }) => ({
    share: request.amount.div(feature.spent_1d.toFloat64()),
    known: feature.payments_1h.gt(0).default(false),
  }),
  functions: (chain) =>
    chain
      .compute('euros', {
        version: 1,
        inputs: ['amount', 'currency', 'payments_1h', 'spent_1d', 'shops_1d', 'known', 'asOfMs'],
        outputs: {
          euros: decimal(2).default(0),
          big: bool().optional(),
          label: string(),
        },
        uses: { toEuro, RATES },
        run: (input) => {
          same<typeof input.amount, number>();
          same<typeof input.currency, string | null>();
          same<typeof input.payments_1h, number>();
          same<typeof input.spent_1d, number | null>();
          same<typeof input.shops_1d, readonly string[] | null>();
          same<typeof input.known, boolean>();
          same<typeof input.asOfMs, number>();
          const rate = input.currency === 'usd' ? RATES.usd : RATES.gbp;
          return { euros: toEuro(input.amount, rate), big: null, label: 'x' };
        },
      })
      .compute('score', {
        version: 2,
        inputs: ['euros', 'big', 'share'],
        outputs: { score: int64().default(0) },
        timeout: '2ms',
        memory: '64MB',
        cache: { ttl: '5m' },
        network: { hosts: ['rates.example.com'], timeout: '100ms' },
        run: ({ euros, big, share }, { network }) => {
          same<typeof euros, number>();
          same<typeof big, boolean | null>();
          same<typeof share, number | null>();
          const { status } = network.request('https://rates.example.com/now');
          return { score: status === 200 ? 1 : null };
        },
      }),
  serving: { required: ['payments_1h', 'score'] },
});

same<
  ServiceValues<typeof checks>,
  {
    payments_1h: number;
    spent_1d: number | null;
    shops_1d: readonly string[] | null;
    share: number | null;
    known: boolean;
    euros: number;
    big: boolean | null;
    label: string | null;
    score: number | bigint;
  }
>();
same<ServiceRequest<typeof checks>, { amount: number; currency?: string | null }>();
