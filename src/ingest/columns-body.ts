import { AsofError } from '../base/errors.ts';
import { LIMITS } from '../base/limits.ts';
import {
  BLOCK_HEADER_BYTES,
  BODY_HEADER_BYTES,
  COLUMNS_MAGIC,
  COLUMNS_VERSION,
} from '../schema/columns-format.ts';
import type { SourceSchema } from '../schema/types.ts';
import { type BodyLayout, bodyLayouts, placedColumns } from './body-layouts.ts';
import { type ColumnBlock, malformedColumns } from './column-block.ts';
import { openBlock } from './columns-block.ts';
import type { ColumnsBody, RowSlice } from './push-body.ts';

/**
 * Cuts a columnar body into slices of at most `size` rows. The whole structure is checked before
 * the first slice: a body that is not what it says is refused with nothing of it taken. It may have
 * the layout of any schema version of the source, or of the pinned one.
 * @throws AsofError `malformed_columns`, `schema_mismatch`, `too_many_rows`, `body_too_large`,
 * `bad_request` for a source of envelopes
 */
export function* readColumns(
  { bytes }: ColumnsBody,
  schema: SourceSchema,
  size: number,
  pinned: number | null = null,
): Generator<RowSlice> {
  if (schema.changes?.shape === 'envelope') {
    throw new AsofError(
      'bad_request',
      `Rows of '${schema.name}' come in envelopes; columns do not.`,
      {
        path: 'body',
        remedy: "Send JSON, or declare `shape: 'row'`.",
      },
    );
  }
  // Blocks are read where they lie, which wants them aligned.
  const body = bytes.byteOffset % 8 === 0 ? bytes : bytes.slice();
  const { layout, rows } = readHeader(body, schema, pinned);
  const blocks = openBlocks(body, layout.schema, rows);
  for (let from = 0; from < rows; from += size) {
    const to = Math.min(rows, from + size);
    const decoded = blocks.map((block) => block.decode(from, to));
    const columns = placedColumns(layout, schema, decoded, to - from);
    yield {
      count: to - from,
      rows: [],
      columns,
      problems: new Map<number, never>(),
      lineOf: () => null,
      rawOf: (index) => rowText(layout.schema, blocks, from + index),
      numberText: () => null,
    };
  }
}

function readHeader(
  body: Uint8Array,
  schema: SourceSchema,
  pinned: number | null,
): { readonly layout: BodyLayout; readonly rows: number } {
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  if (body.length < BODY_HEADER_BYTES) {
    throw malformedColumns(`it has ${body.length} bytes and no whole header`);
  }
  if (view.getUint32(0, true) !== COLUMNS_MAGIC) throw malformedColumns('it does not begin ASOC');
  const version = view.getUint16(4, true);
  if (version !== COLUMNS_VERSION || view.getUint16(6, true) !== 0) {
    throw malformedColumns(`its version is ${version}, and ${COLUMNS_VERSION} is known`);
  }
  const sent = Buffer.from(body.buffer, body.byteOffset + 8, 8).toString('hex');
  const layouts = bodyLayouts(schema, pinned);
  const layout = layouts.get(sent);
  if (layout === undefined) {
    const [newest] = layouts.keys();
    throw new AsofError(
      'schema_mismatch',
      `The body was written for the layout ${sent}; '${schema.name}' has ${newest} now.`,
      { path: 'body' },
    );
  }
  const rows = view.getUint32(16, true);
  const columns = view.getUint32(20, true);
  const expected = layout.schema.columns.length;
  if (columns !== expected) {
    throw malformedColumns(`it has ${columns} columns, not ${expected}`);
  }
  if (rows > LIMITS.rowsPerPush) {
    const message = `The push has ${rows} rows; the limit is ${LIMITS.rowsPerPush}.`;
    throw new AsofError('too_many_rows', message, { path: 'body' });
  }
  return { layout, rows };
}

function openBlocks(body: Uint8Array, schema: SourceSchema, rows: number): ColumnBlock[] {
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  let at = BODY_HEADER_BYTES;
  let textBytes = 0;
  const blocks = schema.columns.map((column): ColumnBlock => {
    if (at + BLOCK_HEADER_BYTES > body.length) {
      throw malformedColumns(`it ends before the block of '${column.name}'`);
    }
    const size = view.getUint32(at + 4, true);
    const [encoding = 0, nulls = 0] = [body[at], body[at + 1]];
    if (view.getUint16(at + 2, true) !== 0 || nulls > 1 || size % 8 !== 0) {
      throw malformedColumns(`the header of the block of '${column.name}' is none`);
    }
    at += BLOCK_HEADER_BYTES;
    if (at + size > body.length) {
      throw malformedColumns(`it ends within the block of '${column.name}'`);
    }
    const block = openBlock(column, rows, encoding, nulls === 1, body.subarray(at, at + size));
    at += size;
    textBytes += block.textBytes;
    return block;
  });
  if (at !== body.length) throw malformedColumns(`${body.length - at} bytes follow its last block`);
  // A dictionary says much in few bytes: what it stands for is bounded as if it were written out.
  if (textBytes > LIMITS.bodyBytes) {
    const message = `The texts of the body take ${textBytes} bytes; the limit is ${LIMITS.bodyBytes}.`;
    throw new AsofError('body_too_large', message, { path: 'body' });
  }
  return blocks;
}

/** A row as JSON, for the dead letters; bytes where one of its texts is no UTF-8. */
function rowText(
  schema: SourceSchema,
  blocks: readonly ColumnBlock[],
  row: number,
): string | Uint8Array {
  const fields = schema.columns.map(
    ({ name }, i) => `${JSON.stringify(name)}:${blocks[i]?.jsonAt(row) ?? 'null'}`,
  );
  // Each field is text whose characters are the bytes of its UTF-8.
  const bytes = Buffer.from(`{${fields.join(',')}}`, 'latin1');
  const text = bytes.toString();
  return Buffer.from(text).equals(bytes) ? text : new Uint8Array(bytes);
}
