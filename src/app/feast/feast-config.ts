import { type Issue, issue } from '../../base/errors.ts';

/** Whether Feast's protocol is spoken, and on which port beside the server's own. */
export interface FeastConfig {
  readonly enabled: boolean;
  /** Feast's servers listen on 6566; 0: any free one; null: on no other port. */
  readonly port: number | null;
}

/** The port to open beside the server's own; null: none. */
export function feastPortOf({ feast }: { readonly feast: FeastConfig }): number | null {
  return feast.enabled ? feast.port : null;
}

const PORT_MAX = 65_535;

/** Reads `feast` of asof.json: `false`, or `{ "port": 6566 }`; on the server's own port by default. */
export function readFeast(value: unknown): {
  readonly feast: FeastConfig;
  readonly issues: readonly Issue[];
} {
  const feast = { enabled: value !== false, port: null };
  if (value === undefined || typeof value === 'boolean') return { feast, issues: [] };
  const wrong = (path: string, message: string, remedy: string) => ({
    feast,
    issues: [issue('invalid_config', path, message, remedy)],
  });
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return wrong('feast', 'feast is no object.', 'It must be true, false or { "port": 6566 }.');
  }
  const { enabled = true, port = null, ...others } = { ...value } as Record<string, unknown>;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) {
    const message = `'${unknown}' is no setting of feast.`;
    return wrong(`feast.${unknown}`, message, 'Known: enabled, port.');
  }
  if (typeof enabled !== 'boolean') {
    return wrong('feast.enabled', 'feast.enabled is no such value.', 'It must be true or false.');
  }
  const isPort =
    typeof port === 'number' && Number.isInteger(port) && port >= 0 && port <= PORT_MAX;
  if (port !== null && !isPort) {
    const remedy = `It must be a whole number from 0 (any free port) to ${PORT_MAX}.`;
    return wrong('feast.port', 'feast.port is no port.', remedy);
  }
  return { feast: { enabled, port: isPort ? port : null }, issues: [] };
}
