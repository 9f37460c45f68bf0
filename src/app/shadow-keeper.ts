import { Compile } from 'typebox/compile';
import { systemClock } from '../base/clock.ts';
import type { Disk } from '../base/disk.ts';
import type { Logger } from '../base/logger.ts';
import { seededRandom } from '../base/random.ts';
import { shadowReport } from '../http/model-schemas.ts';
import { ShadowReader, type ShadowReport } from '../serve/shadow-reader.ts';

export const SHADOW_FOLDER = 'shadow';
const SAVE_EVERY_MS = 2_000;

/**
 * What shadow versions said, in a file for each service, so that counting goes on after a restart
 * and the report can be read while no server runs. A crash loses the last seconds of it.
 */
export class ShadowKeeper {
  readonly reader: ShadowReader;
  readonly #disk: Disk;
  readonly #logger: Logger;
  readonly #timer: NodeJS.Timeout;
  /** Services whose reports are to be written. */
  readonly #due = new Set<string>();
  #isWriting = false;

  constructor(disk: Disk, logger: Logger) {
    this.#disk = disk;
    this.#logger = logger;
    this.reader = new ShadowReader({
      random: seededRandom(systemClock.nowMs() >>> 0),
      later: (task) => void setImmediate(task),
    });
    this.reader.remember(keptReports(disk));
    this.#timer = setInterval(() => this.#saveSoon(), SAVE_EVERY_MS);
    this.#timer.unref();
  }

  /** Writes what changed; what cannot be written is tried again, and fails nobody. */
  save(): void {
    this.#note();
    for (const service of [...this.#due]) this.#write(service);
  }

  /** One report a turn, so that requests come in between, however many services there are. */
  #saveSoon(): void {
    this.#note();
    if (this.#isWriting || this.#due.size === 0) return;
    this.#isWriting = true;
    const rest = [...this.#due];
    const next = (): void => {
      const service = rest.pop();
      this.#isWriting = service !== undefined;
      if (service === undefined) return;
      if (this.#due.has(service)) this.#write(service);
      setImmediate(next);
    };
    next();
  }

  #note(): void {
    for (const service of this.reader.changed()) this.#due.add(service);
  }

  #write(service: string): void {
    const report = this.reader.report(service);
    try {
      if (report !== null) {
        this.#disk.makeFolder(SHADOW_FOLDER);
        const text = JSON.stringify(report);
        this.#disk.replace(pathOf(service), new TextEncoder().encode(text));
      }
      this.#due.delete(service);
    } catch (error) {
      this.#logger.warn({ error: String(error) }, 'a shadow report could not be written');
    }
  }

  close(): void {
    clearInterval(this.#timer);
    this.save();
  }
}

/** What was written, by servers that run or ran; a damaged file counts as none. */
export function keptReports(disk: Disk): ShadowReport[] {
  return disk
    .list(SHADOW_FOLDER)
    .filter((name) => name.endsWith('.json'))
    .flatMap((name) => {
      const report = parsed(new TextDecoder().decode(disk.read(`${SHADOW_FOLDER}/${name}`)));
      return report === null ? [] : [report];
    });
}

function pathOf(service: string): string {
  return `${SHADOW_FOLDER}/${service}.json`;
}

const isReport = lazyCheck();

/** Compiled when the first report is read: most projects have none. */
function lazyCheck(): (value: unknown) => value is ShadowReport {
  let compiled: { Check(value: unknown): boolean } | null = null;
  return (value): value is ShadowReport => {
    compiled ??= Compile(shadowReport);
    return compiled.Check(value);
  };
}

function parsed(text: string): ShadowReport | null {
  try {
    const value: unknown = JSON.parse(text);
    return isReport(value) ? value : null;
  } catch {
    return null;
  }
}
