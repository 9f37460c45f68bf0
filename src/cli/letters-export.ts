import { closeSync, createWriteStream, openSync, renameSync, rmSync } from 'node:fs';
import { extname, resolve } from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { convertLetters } from '../app/letter-file.ts';
import { AsofError } from '../base/errors.ts';
import { openServer } from './call-server.ts';
import { colors as pc } from './colors.ts';
import type { Context } from './context.ts';
import { type FilterOptions, filterOf, queryOf } from './letter-filter.ts';
import { count, EXIT } from './output.ts';
import { outputError } from './output-file.ts';

export interface ExportOptions extends FilterOptions {
  readonly out: string;
}

const FORMATS = ['.ndjson', '.csv', '.parquet'];
const NEWLINE = 0x0a;

/** `asof deadletters export`: the letters as a file, which appears only once it is whole. */
export async function exportCommand(
  context: Context<ExportOptions>,
  source: string,
): Promise<number> {
  const { output, options, config } = context;
  const out = resolve(options.out);
  const format = extname(out);
  if (!FORMATS.includes(format)) {
    throw new AsofError('usage', `--out takes a file that ends in ${FORMATS.join(', ')}.`);
  }
  const path = `/v1/dead-letters/${encodeURIComponent(source)}/export${queryOf(filterOf(options))}`;
  const part = `${out}.part`;
  // Before the server is asked, which may have much to send.
  begin(part, out);
  const bar = output.progress(`export ${source}`, 0);
  let letters = 0;
  let [line, longest] = [0, 0];
  const counter = new Transform({
    transform(chunk: Uint8Array, _encoding, done) {
      for (const byte of chunk) {
        line += 1;
        if (byte !== NEWLINE) continue;
        letters += 1;
        longest = Math.max(longest, line);
        line = 0;
      }
      bar.update(letters, `${count(letters)} letters`);
      done(null, chunk);
    },
  });
  try {
    const body = await openServer(context, path);
    await pipeline(Readable.fromWeb(body), counter, createWriteStream(part));
    if (format === '.ndjson') renameSync(part, out);
    else await convertLetters(config, part, out, longest);
  } catch (error) {
    throw outputError(error, out);
  } finally {
    bar.stop();
    rmSync(part, { force: true });
  }
  output.finish({ source, letters, out }, () => {
    output.say(`${pc.green('✓')} ${count(letters)} dead letters of ${source}`);
    output.say(`  ${out}`);
  });
  return EXIT.ok;
}

/** @throws AsofError where there can be no such file */
function begin(part: string, out: string): void {
  try {
    closeSync(openSync(part, 'w'));
  } catch (error) {
    throw outputError(error, out);
  }
}
