import assert from 'node:assert/strict';
import { Agent, request } from 'node:http';
import { test } from 'node:test';
import { createClient } from '@connectrpc/connect';
import { createGrpcTransport } from '@connectrpc/connect-node';
import { AUTHORITY, FIRST } from '../../src/app/listen/certificates.fixture.ts';
import { pause } from '../../src/base/pause.ts';
import { FeatureService } from '../../src/http/rpc/generated/asof/v1/features_pb.ts';
import { Project, paymentLines } from '../cli/project.ts';

interface Got {
  readonly status: number;
  readonly connection: string | undefined;
  readonly text: string;
}

function ask(url: string, agent: Agent, body?: string): Promise<Got> {
  return new Promise((resolve, reject) => {
    const options = {
      agent,
      method: body === undefined ? 'GET' : 'POST',
      headers: body === undefined ? {} : { 'content-type': 'application/json' },
    };
    const sent = request(url, options, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => {
        text += chunk.toString();
      });
      response.on('end', () => {
        resolve({
          status: response.statusCode ?? 0,
          connection: response.headers.connection,
          text,
        });
      });
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

test('a server that is told to end says so first, answers on, and ends well', async (t) => {
  const project = Project.create(t);
  project.write('asof.json', '{"port":0,"listen":{"grpcPort":0,"drain":{"grace":"900ms"}}}');
  const server = await project.server('dev');
  const agent = new Agent({ keepAlive: true });
  t.after(() => agent.destroy());
  const { url } = server;
  const pushed = await fetch(`${url}/v1/events/payments`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-ndjson' },
    body: paymentLines('c', 3),
  });
  assert.equal(pushed.status, 200);
  assert.equal((await ask(`${url}/readyz`, agent)).status, 200);
  const asked = JSON.stringify({ service: 'cards', rows: [{ card: 'c' }] });
  const ended = server.stop();
  while ((await ask(`${url}/readyz`, agent)).status === 200) await pause(5);
  const ready = await ask(`${url}/readyz`, agent);
  assert.deepEqual([ready.status, JSON.parse(ready.text).state], [503, 'draining']);
  assert.equal((await ask(`${url}/healthz`, agent)).status, 200);
  const answer = await ask(`${url}/v1/features`, agent, asked);
  assert.equal(answer.status, 200, answer.text);
  assert.equal(answer.connection, 'close');
  assert.equal(JSON.parse(answer.text).rows[0].values.payments_ever, 3);
  assert.equal(await ended, 0);
  await assert.rejects(ask(`${url}/readyz`, agent));
});

test('commands reach a server with TLS by its own certificate', async (t) => {
  const project = Project.create(t);
  const tls = { cert: 'cert.pem', key: 'key.pem', ca: 'ca.pem' };
  project.write(tls.cert, FIRST.cert);
  project.write(tls.key, FIRST.key);
  project.write(tls.ca, AUTHORITY);
  project.write('asof.json', JSON.stringify({ port: 0, listen: { tls } }));
  const server = await project.server('dev');
  assert.match(server.url, /^https:/);
  const lines = project.write('p.ndjson', paymentLines('c', 2));
  const pushed = await project.json(['push', 'payments', lines, '--url', server.url]);
  assert.equal(pushed.code, 0, pushed.stdout);
  const got = await project.json(['get', 'cards', 'card=c', '--url', server.url]);
  assert.equal(got.code, 0, got.stdout);
  assert.match(got.stdout, /"payments_ever":2/);
  const transport = createGrpcTransport({ baseUrl: server.url, nodeOptions: { ca: AUTHORITY } });
  const { services } = await createClient(FeatureService, transport).listServices({});
  assert.deepEqual(
    services.map(({ name }) => name),
    ['cards'],
  );
});
