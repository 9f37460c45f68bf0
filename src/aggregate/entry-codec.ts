import type { ByteReader, ByteWriter } from '../base/bytes.ts';
import type { Entries } from './entries.ts';
import type { EntrySet } from './entry-set.ts';
import { arrivalAtOf, KEY_WORDS, VALUE_WORDS, valueAtOf } from './entry-shape.ts';
import { readText, writeText } from './string-slots.ts';
import { readPair, readWord, writePair, writeWord } from './word-codec.ts';

/** Writes a settled set: how many entries, whether there were more, and each entry. */
export function writeSet(writer: ByteWriter, entries: Entries, set: EntrySet): void {
  const { stride, shape } = entries;
  const { words, texts } = set;
  const valueAt = valueAtOf(shape);
  const markAt = valueAt + VALUE_WORDS[shape.value];
  writer.varint(set.count * 2 + (set.more ? 1 : 0));
  if (set.more && arrivalAtOf(shape) >= 0) {
    writeWord(writer, set.lostMs);
    writeWord(writer, set.lostArrivalMs);
  }
  let before = 0;
  for (let i = 0; i < set.count; i++) {
    const at = i * stride;
    const first = words[at] as number;
    if (shape.key === 'wide') writePair(writer, first, words[at + 1] as number);
    else if (shape.key === 'number') writeWord(writer, first);
    else if (shape.key !== 'text') {
      // Keys ascend, and integers that are close to each other take few bytes as differences.
      writeWord(writer, first - before);
      before = first;
    }
    if (shape.key === 'event') {
      writer.varint(words[at + 1] as number);
      writer.varint(words[at + 2] as number);
    }
    for (let k = KEY_WORDS[shape.key]; k < valueAt; k++) writeWord(writer, words[at + k] as number);
    if (shape.value === 'wide') {
      writePair(writer, words[at + valueAt] as number, words[at + valueAt + 1] as number);
    } else if (shape.value === 'narrow') writeWord(writer, words[at + valueAt] as number);
    if (texts !== null) writeText(writer, texts[i] as string);
    if (shape.mark !== 'none') writeWord(writer, words[at + markAt] as number);
  }
}

/** What `writeSet` wrote; null for a set that holds nothing. */
export function readSet(reader: ByteReader, entries: Entries): EntrySet | null {
  const { stride, shape, probe } = entries;
  const valueAt = valueAtOf(shape);
  const head = reader.varint();
  if (head === 0) return null;
  const set = entries.create();
  const count = Math.floor(head / 2);
  const more = head % 2 === 1;
  if (more && arrivalAtOf(shape) >= 0) {
    set.lostMs = readWord(reader);
    set.lostArrivalMs = readWord(reader);
  }
  let before = 0;
  for (let i = 0; i < count; i++) {
    if (shape.key === 'wide') readPair(reader, probe, 0);
    else if (shape.key === 'number') probe[0] = readWord(reader);
    else if (shape.key !== 'text') {
      before += readWord(reader);
      probe[0] = before;
    }
    if (shape.key === 'event') {
      probe[1] = reader.varint();
      probe[2] = reader.varint();
    }
    for (let k = KEY_WORDS[shape.key]; k < valueAt; k++) probe[k] = readWord(reader);
    if (shape.value === 'wide') readPair(reader, probe, valueAt);
    else if (shape.value === 'narrow') probe[valueAt] = readWord(reader);
    if (set.texts !== null) entries.probeText = readText(reader);
    if (shape.mark !== 'none') probe[stride - 1] = readWord(reader);
    entries.offer(set);
  }
  set.more = more;
  return set;
}
