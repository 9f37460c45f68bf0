import type { Logger } from '../../src/base/logger.ts';
import { type DiskFaults, SimulatedDisk } from '../../src/testing/simulated-disk.ts';
import { SimulatedClock } from '../../src/testing/simulated-time.ts';
import { SimulatedArchive } from './archive.ts';
import type { Problems } from './problems.ts';
import type { Machine } from './server.ts';

type Given = 'random' | 'time' | 'truth' | 'settings' | 'defect' | 'onBroken' | 'onApplied';

export interface MachineOptions extends Pick<Machine, Given> {
  readonly faults: DiskFaults;
  readonly problems: Problems;
  readonly tell: (line: string) => void;
}

/** A machine with empty disks. */
export function newMachine(options: MachineOptions): Machine {
  const { random, time, faults, problems, tell, ...given } = options;
  const lies = given.defect.disk ?? {};
  return {
    ...given,
    random,
    time,
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
