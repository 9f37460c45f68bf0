import type { AnswerBytes } from './answer-bytes.ts';
import type { AnswerHead, AnswerRow, AnswerSink } from './answer-sink.ts';
import { asciiText } from './ascii-json.ts';
import type { ContractNote } from './model-contract.ts';

const COMMA = 0x2c;

/** The answer as JSON in bytes of ASCII: the hot path. */
export function jsonSink(head: AnswerHead): AnswerSink<Buffer> {
  return new JsonSink(head);
}

class JsonSink implements AnswerSink<Buffer> {
  readonly #writer: AnswerHead['writer'];
  readonly #bytes: AnswerBytes;
  #isFirst = true;

  constructor({ writer, rowCount, asOfMs, commit, freshness }: AnswerHead) {
    this.#writer = writer;
    this.#bytes = writer.bytesFor(rowCount);
    writer.opening(this.#bytes, asOfMs, commit, freshness);
  }

  row(row: AnswerRow): void {
    if (!this.#isFirst) this.#bytes.byte(COMMA);
    this.#isFirst = false;
    this.#writer.row(this.#bytes, row);
  }

  end(contract: ContractNote | null): Buffer {
    this.#bytes.text(
      contract === null ? ']}' : `],"contract":${asciiText(JSON.stringify(contract))}}`,
    );
    return this.#bytes.end();
  }
}
