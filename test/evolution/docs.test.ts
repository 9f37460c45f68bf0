import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Project } from '../cli/project.ts';

const page = readFileSync(
  join(import.meta.dirname, '..', '..', 'docs', 'evolving-sources.md'),
  'utf8',
);

function blockOf(language: string, holding: string): string {
  const blocks = page.matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, 'g'));
  const found = Array.from(blocks, ([, text = '']) => text).find((text) => text.includes(holding));
  return found ?? assert.fail(`no ${language} block with ${holding}`);
}

test('the page about evolving sources can be followed', async (t) => {
  const project = Project.create(t, blockOf('ts', "stream('payments'"));
  assert.equal((await project.json(['apply'])).code, 0);
  const server = await project.server('serve');
  const curl = blockOf('sh', 'asof-schema: 1');
  const body = /-d '([^']+)'/.exec(curl)?.[1] ?? assert.fail('no body');
  const push = async (text: string, headers: object) => {
    const type = { 'content-type': 'application/json', ...headers };
    const url = `${server.url}/v1/events/payments`;
    const response = await fetch(url, { method: 'POST', headers: type, body: text });
    // biome-ignore lint/suspicious/noExplicitAny: the test reads what it expects to be there.
    return (await response.json()) as any;
  };
  const now = body.replace(/"2026[^"]+"/, String(Date.now()));
  assert.deepEqual(await push(now, { 'asof-schema': '1' }), {
    ...{ received: 1, accepted: 1, rejected: 0, commit: 1, rejections: [] },
  });
  const eur = { payment: 'p2', card: 'c1', price_eur: 1.25, fee: 1, at: Date.now() };
  assert.equal((await push(JSON.stringify(eur), {})).rejections[0].code, 'unknown_column');
  const fine = { payment: 'p3', card: 'c1', price: 1, fee: 0.125, at: Date.now() };
  assert.equal((await push(JSON.stringify(fine), {})).rejections[0].code, 'wrong_type');
  const { stdout } = await project.run(['drift', 'payments', '--url', server.url]);
  const plain = (text: string): string[] =>
    text
      .replaceAll(/[\d,]+ rows, last [^)]+/g, '… rows')
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== '');
  assert.deepEqual(plain(stdout), plain(blockOf('text', 'payments: schema 3')));
});
