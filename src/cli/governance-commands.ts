import type { Command } from 'commander';
import { addAccessCommands } from './access-commands.ts';
import { addAuditCommands } from './audit-commands.ts';
import type { Run } from './common-options.ts';
import { addExploreCommands } from './explore-commands.ts';
import { addForgetCommands } from './forget-commands.ts';
import { addLifecycleCommands } from './lifecycle-commands.ts';
import { addPrivacyCommands } from './privacy-commands.ts';
import { addShadowCommands } from './shadow-commands.ts';

/** Who defines what, who may do what, and where everything comes from. */
export function addGovernanceCommands(program: Command, run: Run): void {
  addExploreCommands(program, run);
  addPrivacyCommands(program, run);
  addForgetCommands(program, run);
  addAccessCommands(program, run);
  addShadowCommands(program, run);
  addLifecycleCommands(program, run);
  addAuditCommands(program, run);
}
