import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import { present } from '../src/base/assert.ts';

/** A server in a process of its own. */
export interface Served {
  readonly url: string;
  readonly h2Url: string;
  /** Of ours: of each stage the sampled requests, and the seconds they spent in it. */
  stages(): Promise<StageSums>;
  stop(): void;
}

export type StageSums = Readonly<
  Record<string, { readonly seconds: number; readonly count: number }>
>;

export type ServedKind = 'asof' | 'bare' | 'bare-grpc';

/** @param size of ours the events, of a bare one the bytes of its answers */
export function startServer(kind: ServedKind, size: number): Promise<Served> {
  const child: ChildProcess = fork(join(import.meta.dirname, 'serve-child.ts'), [kind, `${size}`]);
  return new Promise((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`the ${kind} server ended with ${code}`)));
    child.once('message', (message: { url?: string; h2Url?: string }) => {
      resolve({
        get url() {
          return present(message.url, 'it speaks HTTP/1.1');
        },
        get h2Url() {
          return present(message.h2Url, 'it speaks HTTP/2');
        },
        stages: () =>
          new Promise((told) => {
            child.once('message', ({ stages }: { stages: StageSums }) => told(stages));
            child.send('stages');
          }),
        stop: () => child.disconnect(),
      });
    });
  });
}
