import type { DetailedChange } from '../app/project.ts';
import { formatBytes } from '../base/byte-size.ts';
import { formatDuration } from '../base/duration.ts';
import { colors as pc } from './colors.ts';
import { count, type Output, table } from './output.ts';

type Group = DetailedChange['groups'][number];
type Part = Group['lanes'][number];

/** Names of one line; --json has all of them. */
const NAMES_SHOWN = 4;

/** For each tile group: who shares what, how wide the finest tiles are, and what a key can cost. */
export function sayTiles(output: Output, groups: readonly Group[]): void {
  if (groups.length === 0) return;
  output.say();
  output.say(pc.bold('Tiles'));
  for (const group of groups) {
    const filter = group.filter === null ? '' : ` where ${group.filter}`;
    output.say(`  ${pc.bold(`${group.source} by ${group.entity}`)}${filter}: ${grainOf(group)}`);
    const rows = [
      ...partRows('measure', group.lanes),
      ...partRows('keeps', group.accumulators),
      ...partRows('window', group.windows),
    ];
    for (const line of table(rows)) output.say(line);
    output.say(`    ${costOf(group)}`);
  }
}

function partRows(noun: string, parts: readonly Part[]): string[][] {
  return parts.map(({ text, features }, at) => [
    `    ${at === 0 ? noun : ''}`,
    text,
    features.length > 1 ? `shared by ${features.length}:` : 'for',
    namesOf(features),
  ]);
}

function namesOf(features: readonly string[]): string {
  if (features.length <= NAMES_SHOWN) return features.join(', ');
  const shown = features.slice(0, NAMES_SHOWN - 1);
  return `${shown.join(', ')} and ${features.length - shown.length} more`;
}

function grainOf({ tileMs, windows }: Group): string {
  if (windows.some(({ text }) => text.startsWith('session'))) return 'one tile for each session';
  return tileMs === null ? 'one tile for all time' : `finest tiles of ${formatDuration(tileMs)}`;
}

function costOf(group: Group): string {
  const { bytesPerTile, bytesPerTileMax, tilesPerKeyMax, bytesPerKeyMax } = group;
  const typical = `typically ${formatBytes(group.bytesPerKeyTypical)} a key`;
  const tile =
    bytesPerTile === bytesPerTileMax
      ? formatBytes(bytesPerTile)
      : `${formatBytes(bytesPerTile)} to ${formatBytes(bytesPerTileMax)}`;
  if (tilesPerKeyMax === null || bytesPerKeyMax === null) {
    return `${tile} for each distinct event time of a key; ${typical}`;
  }
  const tiles = tilesPerKeyMax === 1 ? '1 tile' : `${count(tilesPerKeyMax)} tiles`;
  return `${typical}; at most ${tiles} of ${tile}, ${formatBytes(bytesPerKeyMax)} in memory`;
}

/** What the state takes in memory, view by view and in all; long texts come on top. */
export function sayState(output: Output, state: DetailedChange['state']): void {
  if (state.views.length === 0) return;
  output.say();
  output.say(pc.bold('State'));
  const rows = state.views.map((view) => [
    `  ${view.view}@${view.version}`,
    `${rangeOf(view.bytesPerKeyTypical, view.bytesPerKeyMax)} a key`,
    view.keys === null ? 'any number of keys' : `${count(view.keys)} keys`,
    view.bytesTypical === null ? '' : rangeOf(view.bytesTypical, view.bytesMax),
    view.budgetBytes === null ? '' : `of ${formatBytes(view.budgetBytes)}, then ${view.atLimit}`,
  ]);
  for (const line of table(rows)) output.say(line);
  if (state.bytesTypical !== null) {
    output.say(`  in all ${rangeOf(state.bytesTypical, state.bytesMax)}`);
  }
  for (const { view, version, warning } of state.views) {
    if (warning !== null) output.say(pc.yellow(`  ${view}@${version}: ${warning}`));
  }
}

function rangeOf(typical: number, most: number | null): string {
  const bound = most === null ? 'no bound' : `at most ${formatBytes(most)}`;
  return `typically ${formatBytes(typical)}, ${bound}`;
}
