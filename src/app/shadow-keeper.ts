import { systemClock } from '../base/clock.ts';
import type { Disk } from '../base/disk.ts';
import type { Logger } from '../base/logger.ts';
import { seededRandom } from '../base/random.ts';
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
  readonly #saved = new Map<string, string>();

  constructor(disk: Disk, logger: Logger) {
    this.#disk = disk;
    this.#logger = logger;
    this.reader = new ShadowReader({
      random: seededRandom(systemClock.nowMs() >>> 0),
      later: (task) => void setImmediate(task),
    });
    this.reader.remember(keptReports(disk));
    this.#timer = setInterval(() => this.save(), SAVE_EVERY_MS);
    this.#timer.unref();
  }

  /** Writes what changed; what cannot be written is tried again, and fails nobody. */
  save(): void {
    for (const report of this.reader.reports()) {
      const text = JSON.stringify(report);
      if (this.#saved.get(report.service) === text) continue;
      try {
        this.#disk.makeFolder(SHADOW_FOLDER);
        this.#disk.replace(pathOf(report.service), new TextEncoder().encode(text));
        this.#saved.set(report.service, text);
      } catch (error) {
        this.#logger.warn({ error: String(error) }, 'a shadow report could not be written');
      }
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

function parsed(text: string): ShadowReport | null {
  try {
    const value: unknown = JSON.parse(text);
    const isReport =
      typeof value === 'object' && value !== null && 'hashes' in value && 'features' in value;
    return isReport ? (value as ShadowReport) : null;
  } catch {
    return null;
  }
}
