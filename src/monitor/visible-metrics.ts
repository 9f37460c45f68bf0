import type { Viewer } from '../registry/access/viewer.ts';
import type { ConnectorLine } from './status.ts';

/** Labels whose values are names of definitions. */
const NAMING = ['source', 'view', 'service', 'model', 'dataset', 'entity', 'group'];
const LABEL = /([a-z_]+)="((?:[^"\\]|\\.)*)"/g;

/**
 * Of metrics in the Prometheus text format the samples that name something which the viewer may
 * know of. Samples without a name are of the whole process, and left out with the names of others.
 */
export function visibleMetrics(
  text: string,
  viewer: Viewer,
  connectors: readonly Pick<ConnectorLine, 'name' | 'source'>[],
): string {
  const sourceOf = new Map(connectors.map(({ name, source }) => [name, source]));
  const kept: string[] = [];
  let heads: string[] = [];
  for (const line of text.split('\n')) {
    if (line.startsWith('#')) {
      if (line.startsWith('# HELP')) heads = [];
      heads.push(line);
    } else if (isVisible(line, viewer, sourceOf)) {
      // Help of metrics without a sample that may be seen is left out, too.
      kept.push(...heads, line);
      heads = [];
    }
  }
  return kept.length === 0 ? '' : `${kept.join('\n')}\n`;
}

function isVisible(line: string, viewer: Viewer, sourceOf: ReadonlyMap<string, string>): boolean {
  const names: string[] = [];
  for (const [, label = '', value = ''] of line.matchAll(LABEL)) {
    if (NAMING.includes(label)) names.push(value);
    if (label === 'connector') names.push(sourceOf.get(value) ?? '');
    if (label === 'namespace') names.push(`${value}.*`);
  }
  return names.length > 0 && names.every((name) => name !== '' && viewer.mayRead(name));
}
