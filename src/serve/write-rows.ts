import type { ServedSink } from '../store/serve-log.ts';
import { sampleRow } from './answer-sampler.ts';
import type { AnswerHead, OpenSink } from './answer-sink.ts';
import type { AskedRows } from './asked-rows.ts';

/**
 * Writes the rows of an answer, in one synchronous step.
 * @param load makes a row the one that the reader has read last
 */
export function writeRows<T>(
  { contract, compiled, rows, rules, stages }: AskedRows,
  head: AnswerHead,
  open: OpenSink<T>,
  serveLog: ServedSink | null,
  load: (row: number) => void,
): T {
  const { reader } = contract ?? compiled;
  // What a contract finds tells of values, and so nothing to who may not see them all.
  const findings = rules?.hasDenied === true ? undefined : contract?.begin(rows.length);
  const sink = open(head);
  for (let i = 0; i < rows.length; i++) {
    load(i);
    if (findings !== undefined) contract?.check(i, findings);
    reader.countInto(compiled.counters);
    stages?.mark('read');
    sink.row(rules === null ? reader : rules.apply(reader));
    stages?.mark('assemble');
    sampleRow(serveLog, head, reader);
  }
  const note = findings === undefined ? null : (contract?.end(findings, rows.length) ?? null);
  const answer = sink.end(note);
  stages?.mark('assemble');
  return answer;
}
