import { parentPort, workerData } from 'node:worker_threads';
import { AsofError } from '../base/errors.ts';
import { compileProject } from '../plan/compile.ts';
import { guardImports, type ImportBounds } from './import-guard.ts';

/**
 * Definitions are the user's code: they run in a worker of their own, so that an endless loop or a
 * stray exit costs that worker alone, and each load sees every changed file.
 */
async function load(url: string): Promise<unknown> {
  try {
    const module: Record<string, unknown> = await import(url);
    const exported = Object.values(module).flat();
    return { plan: compileProject(exported) };
  } catch (error) {
    if (error instanceof AsofError) {
      return { failure: { ...error.toJSON(), issues: error.issues } };
    }
    const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
    const name = error instanceof Error ? error.name : 'Error';
    const message = error instanceof Error ? error.message : String(error);
    return { thrown: { name, message, stack } };
  }
}

const { url, bounds } = workerData as { url: string; bounds: ImportBounds };
// Nothing is left to run and the file has not ended: it waits for what can never come.
process.once('beforeExit', () => {
  const message = 'a top-level await of the file never ends';
  parentPort?.postMessage({ thrown: { name: 'Await', message, stack: '' } });
});
guardImports(bounds);
void load(url).then((message) => parentPort?.postMessage(message));
