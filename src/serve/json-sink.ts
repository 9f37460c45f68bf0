import type { AnswerBytes } from './answer-bytes.ts';
import type { AnswerHead, AnswerRow, AnswerSink } from './answer-sink.ts';
import { asciiText } from './ascii-json.ts';
import type { ContractNote } from './model-contract.ts';

const COMMA = 0x2c;
const ROWS_END = 0x5d;
const ANSWER_END = 0x7d;

/** The answer as JSON in bytes of ASCII: the hot path. */
export function jsonSink(head: AnswerHead): AnswerSink<Buffer> {
  return new JsonSink(head);
}

class JsonSink implements AnswerSink<Buffer> {
  readonly #writer: AnswerHead['writer'];
  readonly #bytes: AnswerBytes;
  readonly #degradation: AnswerHead['degradation'];
  #isFirst = true;

  constructor({ writer, rowCount, asOfMs, commit, freshness, degradation }: AnswerHead) {
    this.#degradation = degradation;
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
    this.#bytes.byte(ROWS_END);
    if (this.#degradation !== null) this.#member('degraded', this.#degradation.views);
    if (contract !== null) this.#member('contract', contract);
    this.#bytes.byte(ANSWER_END);
    return this.#bytes.end();
  }

  #member(name: string, value: object): void {
    this.#bytes.text(`,"${name}":${asciiText(JSON.stringify(value))}`);
  }
}
