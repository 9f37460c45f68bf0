import protobuf from 'protobufjs';
import type { DecodeBytes } from './record-values.ts';

const TIMESTAMP = '.google.protobuf.Timestamp';

/**
 * Decodes Protobuf as rows: 64-bit integers as text, enumerations by name, times as milliseconds.
 * Fields without presence have their default when they are not there, as the language says.
 * @throws for a schema that is not one
 */
export function protobufDecoder(schema: string): DecodeBytes {
  const { root, imports = [] } = protobuf.parse(schema, new protobuf.Root(), { keepCase: true });
  for (const path of imports) {
    const known = protobuf.common.get(path);
    if (known === null) throw new Error(`it imports '${path}'`);
    root.addJSON(known.nested ?? {});
  }
  root.resolveAll();
  return (bytes) => {
    const { path, end } = readIndexes(bytes);
    const type = messageAt(root, path);
    const message = type.decode(bytes.subarray(end));
    const row: Record<string, unknown> = type.toObject(message, {
      longs: String,
      enums: String,
      bytes: String,
      defaults: true,
    });
    for (const field of type.fieldsArray) {
      const isAbsent = field.hasPresence && !Object.hasOwn(message, field.name);
      if (isAbsent) row[field.name] = null;
      else if (field.resolvedType?.fullName === TIMESTAMP)
        row[field.name] = millisOf(row[field.name]);
    }
    return row;
  };
}

/** Which message of the schema it is: the path of indexes that stands before the value. */
function readIndexes(bytes: Uint8Array): {
  readonly path: readonly number[];
  readonly end: number;
} {
  const reader = protobuf.Reader.create(bytes);
  const count = reader.sint32();
  if (count === 0) return { path: [0], end: reader.pos };
  if (count < 0 || count > 100) throw new Error(`A message cannot have ${count} indexes.`);
  const path = Array.from({ length: count }, () => reader.sint32());
  return { path, end: reader.pos };
}

function messageAt(root: protobuf.Root, path: readonly number[]): protobuf.Type {
  let messages = messagesOf(root);
  let found: protobuf.Type | undefined;
  for (const index of path) {
    found = messages[index];
    if (found === undefined) throw new Error(`The schema has no message at ${path.join('.')}.`);
    messages = found.nestedArray.filter((one) => one instanceof protobuf.Type);
  }
  if (found === undefined) throw new Error('The schema has no message.');
  return found;
}

/** The messages of the schema's own package, in the order in which they are declared. */
function messagesOf(space: protobuf.NamespaceBase): protobuf.Type[] {
  return space.nestedArray.flatMap((one) => {
    if (one instanceof protobuf.Type) return [one];
    return one instanceof protobuf.Namespace && one.fullName !== '.google' ? messagesOf(one) : [];
  });
}

function millisOf(time: unknown): unknown {
  if (typeof time !== 'object' || time === null || !('seconds' in time)) return time;
  const nanos = 'nanos' in time ? Number(time.nanos) : 0;
  if (nanos % 1_000_000 !== 0) return `${time.seconds} s and ${nanos} ns`;
  return Number(time.seconds) * 1000 + nanos / 1_000_000;
}
