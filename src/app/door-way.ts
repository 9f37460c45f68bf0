import type { ConnectorDoor } from '../ingest/connectors/connector-runner.ts';
import type { Ingestor } from '../ingest/ingestor.ts';

/** What rows go through on their way to the door of a running platform. */
export interface DoorWay {
  /** Waits until rows of the source may go on. @throws AsofError `state_full`, `overloaded` */
  readonly admit: (source: string) => Promise<void>;
  /** Inside, door and engine are not exchanged. */
  readonly pass: <T>(work: () => Promise<T>) => Promise<T>;
  readonly door: () => Ingestor;
}

/** Connectors go through the gate as pushes do. */
export function connectorDoor({ admit, pass, door }: DoorWay): ConnectorDoor {
  return {
    lanes: (source, name) => pass(() => door().lanes(source, name)),
    take: async (source, batch) => {
      await admit(source);
      return pass(() => door().take(source, batch));
    },
  };
}
