import { isMainThread, parentPort, workerData } from 'node:worker_threads';
import { AsofError, type ErrorCode } from '../base/errors.ts';
import { CheckpointFile } from './checkpoint-file.ts';
import type { CheckpointCommit, CheckpointWritten } from './checkpoint-format.ts';

export type WorkerRequest =
  | { readonly kind: 'add'; readonly chunk: Uint8Array<ArrayBuffer> }
  | { readonly kind: 'commit'; readonly commit: CheckpointCommit }
  | { readonly kind: 'close' };

export type WorkerAnswer =
  | { readonly kind: 'written'; readonly written: CheckpointWritten }
  | {
      readonly kind: 'failed';
      readonly code: ErrorCode;
      readonly message: string;
      readonly remedy: string;
    };

/** The thread that owns the checkpoint file while the engine runs. */
function serveRequests(folder: string, port: NonNullable<typeof parentPort>): void {
  const file = CheckpointFile.open(folder);
  let chunks: Uint8Array[] = [];
  port.on('message', (request: WorkerRequest) => {
    if (request.kind === 'add') chunks.push(request.chunk);
    else if (request.kind === 'close') void file.close().then(() => port.close());
    else {
      const taken = chunks;
      chunks = [];
      port.postMessage(writeOrExplain(file, taken, request.commit));
    }
  });
}

function writeOrExplain(
  file: CheckpointFile,
  chunks: readonly Uint8Array[],
  commit: CheckpointCommit,
): WorkerAnswer {
  try {
    return { kind: 'written', written: file.write(chunks, commit) };
  } catch (error) {
    // An error's class does not survive the way to another thread; its code does.
    const known = error instanceof AsofError ? error : null;
    const message = error instanceof Error ? error.message : String(error);
    return {
      kind: 'failed',
      code: known?.code ?? 'internal',
      message,
      remedy: known?.remedy ?? 'Report it with the log line.',
    };
  }
}

if (!isMainThread && parentPort !== null) serveRequests(String(workerData.folder), parentPort);
