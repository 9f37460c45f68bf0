import { loadConfig } from '../../src/app/config.ts';
import { DataDirectory } from '../../src/app/data-directory.ts';
import { Platform } from '../../src/app/platform.ts';
import { nodeDisk } from '../../src/app/platform-parts.ts';
import { appliedPlan } from '../../src/app/project.ts';
import { jobOf } from './forget-world.ts';

/** A process of its own that forgets somebody, and dies just behind a step. */
const [folder = '', person = '', last = ''] = process.argv.slice(2);
const config = loadConfig(folder, { port: 0, logLevel: 'silent' }, {});
const { plan } = await appliedPlan(config);
const directory = DataDirectory.open(config.dataDir);
const platform = await Platform.start(config, plan, nodeDisk, directory, false);
await platform.forgetting.run(jobOf([{ entity: 'user', values: [person] }]), {
  onStep: (step) => {
    if (step === last) process.kill(process.pid, 'SIGKILL');
  },
});
await platform.stop();
