import type { ByteWriter } from '../base/bytes.ts';

/** What an appender keeps with its events, such as how far it has read; the newest of a name holds. */
export interface LogNote {
  readonly name: string;
  readonly text: string;
}

/** Behind a frame's payload: name, text, and the length of both. */
export function writeNote(writer: ByteWriter, { name, text }: LogNote): void {
  const start = writer.length;
  writer.string(name);
  writer.string(text);
  writer.u32(writer.length - start);
}

/** The newest note of each name. */
export class LogNotes {
  readonly #texts: Map<string, string>;

  constructor(notes: Iterable<LogNote> = []) {
    this.#texts = new Map();
    for (const note of notes) this.keep(note);
  }

  /** By name. */
  get texts(): ReadonlyMap<string, string> {
    return this.#texts;
  }

  /** An empty text is no note any more. */
  keep({ name, text }: LogNote): void {
    if (text === '') this.#texts.delete(name);
    else this.#texts.set(name, text);
  }

  /** A shorter form that says enough from now on: later segments begin with it. */
  shorten(name: string, from: string, to: string): void {
    if (this.#texts.get(name) === from) this.#texts.set(name, to);
  }

  /** Gives every note another text, or none. */
  rewrite(textOf: (note: LogNote) => string): void {
    for (const note of this.list()) this.keep({ name: note.name, text: textOf(note) });
  }

  list(): LogNote[] {
    return [...this.#texts].map(([name, text]) => ({ name, text }));
  }
}
