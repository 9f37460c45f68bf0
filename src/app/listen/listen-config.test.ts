import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NO_LISTEN_CONFIG, readListen } from './listen-config.ts';

test('settings of listening are read, with paths from the folder of the file', () => {
  assert.deepEqual(readListen(undefined, '/p'), { listen: NO_LISTEN_CONFIG, issues: [] });
  const { listen, issues } = readListen(
    {
      grpcPort: 6571,
      tls: { cert: 'c.pem', key: '/k.pem', ca: 'ca.pem', clientAuth: 'require' },
      drain: { grace: '5s' },
      requestLog: { sample: 0.5, slowMs: 20 },
    },
    '/p',
  );
  assert.deepEqual(issues, []);
  assert.deepEqual(listen, {
    grpcPort: 6571,
    tls: { cert: '/p/c.pem', key: '/k.pem', ca: '/p/ca.pem', clientAuth: 'require' },
    drain: { graceMs: 5_000, withinMs: NO_LISTEN_CONFIG.drain.withinMs },
    requestLog: { level: 'info', sample: 0.5, slowMs: 20 },
  });
});

test('every wrong setting is told by its path', () => {
  const { issues } = readListen(
    {
      grpcPort: 70_000,
      tls: { cert: '', clientAuth: 'maybe' },
      drain: { grace: 5, within: 'soon' },
      requestLog: { level: 'loud', sample: 2, slowMs: '1' },
      prot: 1,
    },
    '/p',
  );
  assert.deepEqual(issues.map(({ path }) => path).toSorted(), [
    'listen.drain.grace',
    'listen.drain.within',
    'listen.grpcPort',
    'listen.prot',
    'listen.requestLog.level',
    'listen.requestLog.sample',
    'listen.requestLog.slowMs',
    'listen.tls.cert',
    'listen.tls.clientAuth',
    'listen.tls.key',
  ]);
  const [unknown] = readListen({ tls: { cert: 'c', key: 'k', clientAuth: 'require' } }, '/').issues;
  assert.equal(unknown?.path, 'listen.tls.ca');
  assert.equal(readListen([], '/').issues.length, 1);
});
