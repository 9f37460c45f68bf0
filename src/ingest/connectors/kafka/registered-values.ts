import { UnreadableRow } from '../../sourced-rows.ts';
import { avroDecoder } from './avro-values.ts';
import { protobufDecoder } from './protobuf-values.ts';
import { type DecodeBytes, type DecodeValue, jsonValue } from './record-values.ts';
import type { RegisteredSchema, SchemaById } from './schema-registry.ts';

/** Schemas that are held ready; a topic seldom has more than a few at a time. */
const SCHEMAS_HELD = 1_000;
const HEADER_BYTES = 5;

/** Values with a header of a zero byte and a schema's id in four, then Avro, Protobuf or JSON. */
export function registeredValue(schemaOf: SchemaById): DecodeValue {
  const decoders = new Map<number, DecodeBytes>();
  return async (value) => {
    if (value.length < HEADER_BYTES || value[0] !== 0) {
      return new UnreadableRow(
        Uint8Array.from(value),
        'The value does not begin with the id of a schema.',
      );
    }
    const id = Buffer.from(value.buffer, value.byteOffset, value.length).readUInt32BE(1);
    let decode = decoders.get(id);
    if (decode === undefined) {
      const schema = await schemaOf(id);
      if (schema === null) return unreadable(value, `The registry has no schema ${id}.`);
      if (schema.references > 0) {
        return unreadable(value, `Schema ${id} refers to others, which is not supported.`);
      }
      try {
        decode = decoderOf(schema);
      } catch (error) {
        return unreadable(value, `Schema ${id} cannot be used: ${reasonOf(error)}`);
      }
      if (decoders.size >= SCHEMAS_HELD) decoders.clear();
      decoders.set(id, decode);
    }
    try {
      return await decode(value.subarray(HEADER_BYTES));
    } catch (error) {
      return unreadable(value, `The value does not fit schema ${id}: ${reasonOf(error)}`);
    }
  };
}

function decoderOf({ type, text }: RegisteredSchema): DecodeBytes {
  if (type === 'JSON') return jsonValue;
  return type === 'AVRO' ? avroDecoder(text) : protobufDecoder(text);
}

function unreadable(value: Uint8Array, message: string): UnreadableRow {
  return new UnreadableRow(Uint8Array.from(value), message);
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
