import type { Logger } from '../../src/base/logger.ts';
import type { Random } from '../../src/base/random.ts';
import type { ProjectPlan } from '../../src/plan/plan.ts';
import type { StreamEngine } from '../../src/stream/stream-engine.ts';
import { type DiskFaults, SimulatedDisk } from '../../src/testing/simulated-disk.ts';
import { SimulatedClock, type SimulatedTime } from '../../src/testing/simulated-time.ts';
import { SimulatedArchive } from './archive.ts';
import type { Defect } from './defects.ts';
import type { Problems } from './problems.ts';
import type { ServerSettings } from './settings.ts';
import type { Strain } from './strain.ts';
import type { Truth } from './truth.ts';

/** The state of a process, and what it is the state of. */
export interface Stateful {
  readonly engine: StreamEngine;
  readonly plan: ProjectPlan;
}

/** What outlives a process. */
export interface Machine {
  readonly random: Random;
  readonly time: SimulatedTime;
  readonly clock: SimulatedClock;
  readonly disk: SimulatedDisk;
  readonly servedDisk: SimulatedDisk;
  readonly archive: SimulatedArchive;
  readonly truth: Truth;
  readonly logger: Logger;
  readonly settings: ServerSettings;
  readonly strain: Strain;
  readonly problems: Problems;
  readonly defect: Defect;
  readonly seen: (what: string, where?: string) => void;
  /** What was durable before the state broke is answered for as if it were not. */
  readonly onBroken: (error: unknown) => void;
  /** A process that can only be ended. */
  readonly onHopeless: () => void;
  readonly onApplied: (server: Stateful) => void;
}

type Made = 'clock' | 'disk' | 'servedDisk' | 'archive' | 'logger';

export interface MachineOptions extends Omit<Machine, Made> {
  readonly faults: DiskFaults;
  readonly tell: (line: string) => void;
}

/** A machine with empty disks. */
export function newMachine(options: MachineOptions): Machine {
  const { faults, tell, ...given } = options;
  const { random, time, problems } = given;
  const lies = given.defect.disk ?? {};
  return {
    ...given,
    clock: new SimulatedClock(time),
    disk: new SimulatedDisk({ random, time, faults, lies }),
    servedDisk: new SimulatedDisk({ random, time, faults }),
    archive: new SimulatedArchive(),
    logger: strictLogger(problems, tell),
  };
}

/** Disk failures are logged and survived; what the program itself guarantees must hold. */
function strictLogger(problems: Problems, tell: (line: string) => void): Logger {
  const look = (fields: object, message: string): void => {
    const text = Object.values(fields).map(String).join(' ');
    tell(`log: ${message} ${text}`);
    if (/AssertionFailure|TypeError|RangeError/.test(text)) problems.report(`${message}: ${text}`);
  };
  return { debug: look, info: look, warn: look, error: look };
}
