import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { AsofError, ERRORS, type ErrorCode, type Issue } from '../base/errors.ts';
import { workerUrl } from '../base/worker-url.ts';
import type { ProjectPlan } from '../plan/plan.ts';
import type { ImportBounds } from './import-guard.ts';

/** A definitions file that runs longer than this is stopped. */
const LOAD_TIMEOUT_MS = 20_000;

interface LoadMessage {
  readonly plan?: ProjectPlan;
  readonly failure?: {
    readonly code: string;
    readonly message: string;
    readonly path: string | null;
    readonly remedy: string;
    readonly issues: readonly Issue[];
  };
  readonly thrown?: { readonly name: string; readonly message: string; readonly stack: string };
}

/** Where a definitions file belongs. */
export interface DefinitionsPlace {
  /** The project's folder. */
  readonly root: string;
  /** Other folders from which its files may be imported. */
  readonly imports: readonly string[];
}

/**
 * Runs a definitions file and compiles all that it exports. Files of the project's folder and of
 * its own may be imported, and installed packages.
 * @throws AsofError `file_not_found`, `definitions_failed`, `forbidden_import`,
 *   `invalid_definition` (with issues)
 */
export async function loadDefinitions(
  path: string,
  { root, imports }: DefinitionsPlace = { root: dirname(path), imports: [] },
  timeoutMs = LOAD_TIMEOUT_MS,
): Promise<ProjectPlan> {
  if (!existsSync(path)) {
    throw new AsofError('file_not_found', `There is no definitions file at ${path}.`, {
      path,
      remedy: "Run `asof init` for a first one, or set 'definitions' in asof.json.",
    });
  }
  const folders = [root, dirname(path), ...imports];
  const message = await runWorker(path, { entry: path, folders }, timeoutMs);
  if (message.plan !== undefined) return message.plan;
  if (message.failure !== undefined) {
    const { failure } = message;
    const code: ErrorCode = failure.code in ERRORS ? (failure.code as ErrorCode) : 'internal';
    throw new AsofError(code, failure.message, {
      path: failure.path ?? path,
      remedy: failure.remedy,
      issues: failure.issues,
    });
  }
  const thrown = message.thrown ?? { name: 'Error', message: 'no answer', stack: '' };
  const where = whereIn(path, thrown.stack);
  throw new AsofError(
    'definitions_failed',
    `${where}: ${thrown.name}: ${thrown.message.split('\n').slice(0, 6).join('\n')}`,
    { path: where, remedy: 'Fix the error; nothing was changed.' },
  );
}

/** The line of the user's own file in a stack, such as `features.ts:12:3`. */
function whereIn(path: string, stack: string): string {
  const at = stack.indexOf(path);
  if (at < 0) return path;
  const tail = /^:\d+(:\d+)?/.exec(stack.slice(at + path.length));
  return `${path}${tail?.[0] ?? ''}`;
}

/** What asof itself is told by its environment is no part of definitions, and some of it is secret. */
function withoutSettings(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(environment).filter(([name]) => !name.startsWith('ASOF_')),
  );
}

function runWorker(path: string, bounds: ImportBounds, timeoutMs: number): Promise<LoadMessage> {
  const script = workerUrl('./definitions-worker', import.meta.url);
  const worker = new Worker(script, {
    env: withoutSettings(process.env),
    workerData: { url: pathToFileURL(path).href, bounds },
    stdout: true,
  });
  // Standard output is for results, whatever the file prints.
  worker.stdout.pipe(process.stderr, { end: false });
  return new Promise((resolve) => {
    const fail = (name: string, message: string, stack = ''): void =>
      resolve({ thrown: { name, message, stack } });
    const timer = setTimeout(() => {
      fail('Timeout', `the file was still running after ${timeoutMs / 1000} s`);
      void worker.terminate();
    }, timeoutMs);
    worker.once('message', (message: LoadMessage) => {
      resolve(message);
      void worker.terminate();
    });
    worker.once('error', (error: Error) => fail(error.name, error.message, error.stack));
    worker.once('exit', (code) => {
      clearTimeout(timer);
      fail('Exit', `the file ended its process with exit code ${code}`);
    });
  });
}
