import {
  count,
  entity,
  int64,
  lifetime,
  service,
  sliding,
  stream,
  string,
  sum,
  timestamp,
  view,
} from 'asof';

const account = entity('account', { keys: { account: string() } });

const transfers = stream('transfers', {
  columns: { transfer: string(), account: string(), cents: int64(), at: timestamp() },
  eventTime: 'at',
  id: 'transfer',
  allowedLateness: '7d',
  dedupeHorizon: '1d',
  partitions: 2,
});

const totals = view('totals', {
  version: 1,
  source: transfers,
  entity: account,
  key: { account: 'account' },
  features: (transfer) => ({
    transfers_ever: count().over(lifetime()),
    cents_ever: sum(transfer.cents).over(lifetime()).default(0),
    transfers_1h: count().over(sliding('1h')),
  }),
});

export const ledger = service('ledger', { version: 1, features: [totals.all()] });
