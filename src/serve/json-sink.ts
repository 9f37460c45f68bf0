import type { AnswerHead, AnswerRow, AnswerSink } from './answer-sink.ts';
import type { ContractNote } from './model-contract.ts';
import { asciiText } from './response-writer.ts';

/** The answer as JSON text in ASCII: the hot path. */
export function jsonSink(head: AnswerHead): AnswerSink<string> {
  return new JsonSink(head);
}

class JsonSink implements AnswerSink<string> {
  readonly #writer: AnswerHead['writer'];
  #text: string;
  #isFirst = true;

  constructor({ writer, asOfMs, commit, freshness }: AnswerHead) {
    this.#writer = writer;
    this.#text = writer.opening(asOfMs, commit, freshness);
  }

  row(row: AnswerRow): void {
    if (!this.#isFirst) this.#text += ',';
    this.#isFirst = false;
    this.#text += this.#writer.row(row);
  }

  end(contract: ContractNote | null): string {
    if (contract === null) return `${this.#text}]}`;
    return `${this.#text}],"contract":${asciiText(JSON.stringify(contract))}}`;
  }
}
