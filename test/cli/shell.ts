/** Runs command lines one after another in one process, as a child of the tests. */
import { main } from '../../src/cli/program.ts';

type Sink = (chunk: string | Uint8Array) => boolean;

function capture(stream: NodeJS.WriteStream): () => string {
  const write = stream.write;
  let text = '';
  stream.write = ((chunk) => {
    text += String(chunk);
    return true;
  }) as Sink;
  return () => {
    stream.write = write;
    return text;
  };
}

async function run(args: readonly string[]): Promise<object> {
  const stdout = capture(process.stdout);
  const stderr = capture(process.stderr);
  const code = await main(args);
  return { code, stdout: stdout(), stderr: stderr() };
}

let turn: Promise<unknown> = Promise.resolve();

process.on('message', ({ id, args }: { id: number; args: readonly string[] }) => {
  turn = turn.then(async () => process.send?.({ id, ...(await run(args)) }));
});
