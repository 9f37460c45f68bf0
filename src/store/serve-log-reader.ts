import type { Disk } from '../base/disk.ts';
import { parseJson } from '../schema/json.ts';
import { dayFiles, type ServedAnswer } from './serve-log.ts';

export interface NewestAnswers {
  /** Oldest first. */
  readonly answers: readonly ServedAnswer[];
  /** Lines among them that are no answer, and were passed over. */
  readonly damaged: number;
}

/** The newest answers of the log that are of services which are wanted; older days than these take are not read. */
export function newestAnswers(
  disk: Disk,
  count: number,
  wanted: (service: string) => boolean = () => true,
): NewestAnswers {
  const answers: ServedAnswer[] = [];
  let damaged = 0;
  for (const path of dayFiles(disk).reverse()) {
    if (answers.length >= count) break;
    for (const line of linesFromEnd(disk.read(path))) {
      if (answers.length >= count) break;
      const answer = parseAnswer(line);
      if (answer === null) damaged += 1;
      else if (wanted(answer.service)) answers.push(answer);
    }
  }
  return { answers: answers.reverse(), damaged };
}

/** Whole lines, the last one first; what follows the last line end is still being written. */
function* linesFromEnd(bytes: Uint8Array<ArrayBuffer>): Generator<string> {
  let end = bytes.lastIndexOf(LINE_END);
  while (end >= 0) {
    const before = end === 0 ? -1 : bytes.lastIndexOf(LINE_END, end - 1);
    const line = Buffer.from(bytes.buffer, bytes.byteOffset + before + 1, end - before - 1);
    yield line.toString('utf8');
    end = before;
  }
}

const LINE_END = 0x0a;

/** Null for a line that a crash or a failing disk has damaged. */
function parseAnswer(line: string): ServedAnswer | null {
  try {
    const parsed = parseJson(line);
    return isAnswer(parsed) ? parsed : null;
  } catch {
    return null;
  }
}

function isAnswer(value: unknown): value is ServedAnswer {
  if (!isObject(value)) return false;
  const { service, version, asOfMs, commit, key, request = {}, values, statuses } = value;
  const { unknown = [] } = value;
  return (
    typeof service === 'string' &&
    [version, asOfMs, commit].every(Number.isSafeInteger) &&
    [key, request, values, statuses].every(isObject) &&
    Array.isArray(unknown)
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
