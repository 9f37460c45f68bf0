import { SessionTable } from './session-table.ts';
import type { TileSpec } from './spec.ts';
import { TileTable } from './tile-table.ts';
import type { WindowTable } from './window-table.ts';

/** The table of a tile group: sessions, where its one window is a session, else tiles. */
export function createTable(spec: TileSpec): WindowTable {
  const isSession = spec.windows.some((window) => window.kind === 'session');
  return isSession ? new SessionTable(spec) : new TileTable(spec);
}
