import {
  count,
  countDistinct,
  entity,
  int64,
  lastN,
  lifetime,
  max,
  median,
  service,
  session,
  sliding,
  stream,
  string,
  sum,
  timestamp,
  topK,
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
    busy: count().over(session('200ms')),
    amounts_10m: countDistinct(transfer.cents, { exactUpTo: 64 }).over(sliding('10m')),
    median_10m: median(transfer.cents).over(sliding('10m')),
    newest: lastN(transfer.transfer, 3).over(sliding('1h')),
  }),
});

/** A table that changes: what counts is what is in it now. */
const holds = stream('holds', {
  columns: {
    hold: string(),
    op: string(),
    version: int64(),
    account: string(),
    cents: int64(),
    at: timestamp(),
  },
  eventTime: 'at',
  id: 'hold',
  allowedLateness: '7d',
  dedupeHorizon: '1d',
  partitions: 2,
  changes: { column: 'op', sequence: 'version', horizon: '1d', keep: 1_000 },
});

const open = view('open_holds', {
  version: 1,
  source: holds,
  entity: account,
  key: { account: 'account' },
  features: (hold) => ({
    holds_open: count().over(lifetime()),
    cents_held: sum(hold.cents).over(lifetime()).default(0),
    greatest_hold: max(hold.cents).over(lifetime()),
    holds_often: topK(hold.hold, 2).over(sliding('1h')),
  }),
});

export const ledger = service('ledger', { version: 1, features: [totals.all(), open.all()] });
