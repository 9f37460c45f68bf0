import * as arrow from 'apache-arrow';
import { FEATURE_STATUSES } from '../../schema/status.ts';
import type { ColumnarAnswer } from '../../serve/columnar-answer.ts';
import { failedNote } from '../../serve/exceptional-text.ts';
import { STATUS_BY_CODE } from '../../serve/status-codes.ts';
import { arrowData, arrowType, makeData, NO_NULLS } from './arrow-column.ts';

/** The struct of the statuses of a row, by feature. */
const STATUSES = '__statuses';

/** Under this name the metadata of the schema holds the envelope, as JSON. */
const ENVELOPE = 'asof';

/**
 * An answer as a stream of the Arrow format with one record batch: the join keys, the features, and
 * a struct of their statuses (indexes into the names of statuses).
 */
export function arrowAnswer(answer: ColumnarAnswer): Uint8Array {
  const { head, keys, features } = answer;
  const dictionary = statusNames();
  const type = new arrow.Dictionary(new arrow.Utf8(), new arrow.Int8(), 0);
  const statuses = features.map(({ statuses: codes }) => {
    const indexes = Int8Array.from(codes, (code) => STATUS_INDEXES[code] as number);
    return new arrow.Data(
      type,
      0,
      codes.length,
      0,
      { [arrow.BufferType.DATA]: indexes },
      [],
      dictionary,
    );
  });
  const struct = new arrow.Struct(features.map(({ name }) => new arrow.Field(name, type)));
  const columns = [...keys, ...features];
  const fields = [
    ...columns.map(({ name, type: own }) => new arrow.Field(name, arrowType(own), true)),
    new arrow.Field(STATUSES, struct),
  ];
  const schema = new arrow.Schema(fields, new Map([[ENVELOPE, envelopeText(answer)]]));
  const data = makeData(new arrow.Struct(fields), head.rowCount, NO_NULLS, {
    children: [
      ...columns.map(({ type: own, values }) => arrowData(own, values)),
      makeData(struct, head.rowCount, NO_NULLS, { children: statuses }),
    ],
  });
  const batch = new arrow.RecordBatch(schema, data as arrow.Data<arrow.Struct>);
  const writer = new arrow.RecordBatchStreamWriter();
  writer.write(batch);
  writer.finish();
  return writer.toUint8Array(true);
}

/** Of each code, the place of its name among all statuses. */
const STATUS_INDEXES = STATUS_BY_CODE.map((status) => FEATURE_STATUSES.indexOf(status));

function statusNames(): arrow.Vector<arrow.Utf8> {
  const values = FEATURE_STATUSES.map(String);
  return new arrow.Vector([arrowData({ kind: 'string' }, values) as arrow.Data<arrow.Utf8>]);
}

/** What the JSON answer says besides its rows. */
function envelopeText({ head, contract, failed }: ColumnarAnswer): string {
  const { service, views } = head.plan;
  const freshness = head.freshness();
  return JSON.stringify({
    service: service.name,
    version: service.version,
    ...(head.deprecation === null ? {} : { deprecated: head.deprecation }),
    asOfMs: head.asOfMs,
    position: { commit: head.commit },
    versions: Object.fromEntries(views.map(({ label, version }) => [label, version])),
    freshness: Object.fromEntries(views.map(({ label }, i) => [label, freshness[i]])),
    ...(head.degradation === null ? {} : { degraded: head.degradation.views }),
    ...(contract === null ? {} : { contract }),
    ...(failed.length === 0
      ? {}
      : { failed: failed.map(({ row, features }) => ({ row, ...failedNote(features) })) }),
  });
}
