import type { Command } from 'commander';
import type { Run } from './common-options.ts';
import { addExploreCommands } from './explore-commands.ts';
import { addShadowCommands } from './shadow-commands.ts';

/** Who defines what, who may do what, and where everything comes from. */
export function addGovernanceCommands(program: Command, run: Run): void {
  addExploreCommands(program, run);
  addShadowCommands(program, run);
}
