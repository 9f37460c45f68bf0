import { join } from 'node:path';
import { NodeDisk } from '../../base/node-disk.ts';
import { readLane } from '../../ingest/lane-note.ts';
import { decodeLetter } from '../../ingest/letter-line.ts';
import type { LogNote } from '../../ingest/log-note.ts';
import { letterSources } from '../gc/sweep-logs.ts';
import type { KeyFinder } from './key-finder.ts';

/** A rejected row as it was sent, where its source keeps it encrypted; null: it cannot be opened. */
export type OpenLetter = (source: string, raw: string | Uint8Array) => string | null;

export interface ErasedLines {
  readonly files: number;
  readonly lines: number;
  readonly bytesRewritten: number;
}

/**
 * Empties the dead letters that are about the person. A letter is named by its line, so the line
 * stays, as long as it was, and says nothing but why and when a row was refused: what was counted,
 * and what was marked, stays true.
 */
export function eraseLetters(dataDir: string, finder: KeyFinder, open: OpenLetter): ErasedLines {
  const disk = new NodeDisk(dataDir);
  const sum = { files: 0, lines: 0, bytesRewritten: 0 };
  for (const source of letterSources(dataDir)) {
    const folder = join('dead', source);
    for (const name of disk.list(folder)) {
      if (!/^\d{4}-\d\d-\d\d(\.\d+)?\.ndjson$/.test(name)) continue;
      const path = `${folder}/${name}`;
      const { text, lines } = emptied(Buffer.from(disk.read(path)).toString('latin1'), (line) =>
        isAbout(source, line, finder, open),
      );
      if (lines === 0) continue;
      disk.replace(path, Buffer.from(text, 'latin1'));
      sum.files += 1;
      sum.lines += lines;
      sum.bytesRewritten += text.length;
    }
  }
  return sum;
}

/** Bytes as latin1, so that what is no UTF-8 stays as it is. */
function emptied(text: string, isGone: (line: string) => boolean): { text: string; lines: number } {
  let lines = 0;
  const kept = text.split('\n').map((line) => {
    if (line === '' || !isGone(Buffer.from(line, 'latin1').toString())) return line;
    lines += 1;
    return emptyLine(line);
  });
  return { text: kept.join('\n'), lines };
}

/** As long as the line was; it can be, as at least the row is left out. */
function emptyLine(line: string): string {
  const letter = decodeLetter(Buffer.from(line, 'latin1').toString());
  const { arrivalTimeMs: at = 0, code = 'malformed_json' } = letter ?? {};
  const left = JSON.stringify({ at, code, column: null, message: '', row: '' });
  return left.length <= line.length ? left.padEnd(line.length) : ' '.repeat(line.length);
}

function isAbout(source: string, line: string, finder: KeyFinder, open: OpenLetter): boolean {
  const letter = decodeLetter(line);
  if (letter === null) return finder.inText(line);
  const raw = open(source, letter.raw);
  // What cannot be opened could be anybody's, and nobody could ever read it.
  if (raw === null) return true;
  return finder.inRow(source, raw) || finder.inText(letter.message);
}

/** A connector's note holds the letters of its last batch until they are among the others. */
export function noteWithout(finder: KeyFinder, open: OpenLetter): (note: LogNote) => string {
  return ({ name, text }) => {
    const parts: unknown = JSON.parse(name);
    if (!Array.isArray(parts) || parts[0] !== 'connector') return text;
    const note = readLane(text);
    const letters = note.letters.filter((one) => !isAbout(String(parts[1]), one, finder, open));
    if (letters.length === note.letters.length) return text;
    const { batch, token } = note;
    return JSON.stringify(letters.length === 0 ? { batch, token } : { batch, token, letters });
  };
}
