import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { compileProject } from './compile.ts';
import { definitionEvents } from './openlineage.ts';
import type { DatasetEvent, JobEvent } from './openlineage-form.ts';
import { risk, training, turnover } from './sample-shop.fixture.ts';

const CONTEXT = { producer: 'urn:asof:1.2.3', eventTime: '2026-03-01T00:00:00.000Z' };
const plan = compileProject([training, turnover, risk]);
const events = definitionEvents(plan, CONTEXT);

function jobOf(name: string): JobEvent {
  const found = events.find((event) => 'job' in event && event.job.name === name);
  assert.ok(found !== undefined && 'job' in found, name);
  return found;
}

/** `field ← dataset.field (transformations)`, of the one output of a job. */
function linesOf(name: string, field: string): string[] {
  const facet = jobOf(name).outputs[0]?.facets?.columnLineage;
  const { fields } = facet as unknown as { fields: Record<string, { inputFields: Input[] }> };
  return (fields[field]?.inputFields ?? []).map(
    (one) =>
      `${one.namespace} ${one.name} ${one.field}: ` +
      one.transformations.map(({ type, subtype }) => `${type} ${subtype}`).join(', '),
  );
}

interface Input {
  readonly namespace: string;
  readonly name: string;
  readonly field: string;
  readonly transformations: readonly { readonly type: string; readonly subtype: string }[];
}

describe('definitions as OpenLineage', () => {
  it('has the form of the standard, in every event and every facet', () => {
    assert.ok(events.length >= 9);
    for (const event of events) {
      const form = 'job' in event ? 'JobEvent' : 'DatasetEvent';
      assert.equal(
        event.schemaURL,
        `https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/${form}`,
      );
      assert.equal(event.producer, CONTEXT.producer);
      assert.equal(new Date(event.eventTime).toISOString(), event.eventTime);
      for (const dataset of datasetsOf(event)) {
        assert.equal(typeof dataset.namespace, 'string');
        assert.equal(typeof dataset.name, 'string');
        for (const facet of Object.values(dataset.facets ?? {})) checkFacet(facet);
      }
      if ('job' in event)
        for (const facet of Object.values(event.job.facets ?? {})) checkFacet(facet);
    }
  });

  it('tells of each column where it comes from, and how', () => {
    assert.deepEqual(linesOf('view/spending@1', 'spent_7d'), [
      'asof://default source/orders amount: DIRECT AGGREGATION',
      'asof://default source/orders at: INDIRECT WINDOW',
      'asof://default source/orders order: INDIRECT FILTER',
      'asof://default source/orders user: INDIRECT GROUP_BY',
    ]);
    assert.deepEqual(linesOf('service/fraud@1', 'share'), [
      'asof://default view/spending@1 spent_7d: DIRECT TRANSFORMATION',
    ]);
    assert.deepEqual(linesOf('service/fraud@1', 'limit'), [
      'asof://default view/shop@1 limit: DIRECT IDENTITY',
    ]);
    const label = linesOf('dataset/training@1', 'charged_back');
    assert.ok(label.includes('asof://default source/chargebacks order: INDIRECT GROUP_BY'));
    assert.ok(
      linesOf('dataset/training@1', 'amount').includes(
        'asof://default source/orders amount: DIRECT IDENTITY',
      ),
    );
    assert.deepEqual(linesOf('materialize/merchants', 'limit'), [
      'file warehouse/merchants limit: DIRECT IDENTITY',
    ]);
    assert.ok(
      linesOf('materialize/turnover', 'total').includes(
        'asof://default source/orders amount: DIRECT TRANSFORMATION',
      ),
    );
  });

  it('tells of what changed alone, where that is asked', () => {
    const told = [{ kind: 'view', name: 'spending', version: 1 }];
    const some = definitionEvents(plan, CONTEXT, told);
    assert.deepEqual(some, [jobOf('view/spending@1')]);
    assert.deepEqual(definitionEvents(plan, CONTEXT, []), []);
  });

  it('tells that a dataset was dropped, of what is gone', () => {
    const gone = [
      { kind: 'view', name: 'fraud.spend', version: 3 },
      { kind: 'model', name: 'fraud.scorer', version: 1 },
    ];
    const [event, ...others] = definitionEvents(plan, CONTEXT, gone);
    assert.ok(event !== undefined && 'dataset' in event);
    const { namespace, name, facets = {} } = event.dataset;
    assert.deepEqual([namespace, name], ['asof://fraud', 'view/fraud.spend@3']);
    assert.equal(facets.lifecycleStateChange?.lifecycleStateChange, 'DROP');
    Object.values(facets).forEach(checkFacet);
    assert.deepEqual(others, []);
  });
});

function datasetsOf(event: DatasetEvent | JobEvent) {
  return 'job' in event ? [...event.inputs, ...event.outputs] : [event.dataset];
}

function checkFacet({ _producer, _schemaURL }: { _producer: string; _schemaURL: string }): void {
  assert.equal(_producer, CONTEXT.producer);
  assert.match(
    _schemaURL,
    /^https:\/\/openlineage\.io\/spec\/facets\/\d-\d-\d\/(\w+Facet)\.json#\/\$defs\/\1$/,
  );
}
