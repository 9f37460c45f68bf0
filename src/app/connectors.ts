import { statSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { systemClock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import { pause } from '../base/pause.ts';
import {
  type ConnectorDoor,
  ConnectorRunner,
  type ConnectorStatus,
} from '../ingest/connectors/connector-runner.ts';
import { FileConnector } from '../ingest/connectors/files/file-connector.ts';
import { NodeFolder } from '../ingest/connectors/files/watched-folder.ts';
import { KafkaConnector } from '../ingest/connectors/kafka/kafka-connector.ts';
import { PlatformaticClient } from '../ingest/connectors/kafka/platformatic-client.ts';
import {
  type DecodeValue,
  jsonValue,
  withTimestamp,
} from '../ingest/connectors/kafka/record-values.ts';
import { registeredValue } from '../ingest/connectors/kafka/registered-values.ts';
import { httpRegistry } from '../ingest/connectors/kafka/schema-registry.ts';
import type { SourceConnector } from '../ingest/connectors/source-connector.ts';
import type { ProjectPlan } from '../plan/plan.ts';
import type { SourceSchema } from '../schema/types.ts';
import type { ConnectorConfig, FilesConfig, KafkaConfig } from './connector-config.ts';

const REGISTRY_TIMEOUT_MS = 5_000;

/** The connectors of a project, running under whatever plan is in use. */
export class Connectors {
  readonly #configs: readonly ConnectorConfig[];
  readonly #logger: Logger;
  #runners: ConnectorRunner[] = [];
  /** One exchange after another; never waited for by those who may hold the door's gate. */
  #exchange: Promise<void> = Promise.resolve();

  constructor(configs: readonly ConnectorConfig[], logger: Logger) {
    this.#configs = configs;
    this.#logger = logger;
  }

  /** Reads on under another plan, once what is under way has been taken. */
  use(plan: ProjectPlan, door: ConnectorDoor): void {
    this.#exchange = this.#exchange.then(async () => {
      await this.#end();
      this.#runners = this.#configs.map((config) => this.#runner(config, plan, door));
      for (const runner of this.#runners) runner.start();
    });
  }

  status(): ConnectorStatus[] {
    return this.#runners.map((runner) => runner.status());
  }

  /** Resolves once no row is under way any more. */
  async stop(): Promise<void> {
    await this.#exchange;
    await this.#end();
  }

  async #end(): Promise<void> {
    await Promise.all(this.#runners.map((runner) => runner.stop()));
  }

  #runner(config: ConnectorConfig, plan: ProjectPlan, door: ConnectorDoor): ConnectorRunner {
    const { name, source } = config;
    const schema = plan.sources.find((one) => one.name === source);
    const connector = schema === undefined ? nowhere(config) : connectorOf(config, schema);
    return new ConnectorRunner({ name, source, connector, door, pause, logger: this.#logger });
  }
}

/** Of a source that does not exist: the door says so before anything is opened. */
function nowhere({ type, source }: ConnectorConfig): SourceConnector {
  return { kind: type, open: () => Promise.reject(new Error(`there is no source '${source}'`)) };
}

function connectorOf(config: ConnectorConfig, schema: SourceSchema): SourceConnector {
  return config.type === 'files' ? fileConnector(config, schema) : kafkaConnector(config);
}

function fileConnector(config: FilesConfig, schema: SourceSchema): SourceConnector {
  const { path, format, columns, delimiter, follow, settleMs, pollMs } = config;
  const found = statSync(path, { throwIfNoEntry: false });
  const isFolder = found?.isDirectory() ?? path.endsWith('/');
  const folder = isFolder ? new NodeFolder(path) : new NodeFolder(dirname(path), basename(path));
  return new FileConnector({
    folder,
    schema,
    format,
    columns,
    delimiter,
    follow,
    settleMs,
    pollMs,
    suffix: config.suffix ?? (isFolder ? `.${format}` : ''),
    clock: systemClock,
    pause,
  });
}

function kafkaConnector(config: KafkaConfig): SourceConnector {
  const { brokers, topic, start, lost, tombstones, tls, sasl, timestampColumn } = config;
  const clientId = `asof-${config.name}`;
  const group = config.group === null ? null : { id: config.group, clock: systemClock };
  return new KafkaConnector({
    connect: () => new PlatformaticClient({ brokers, clientId, tls, sasl }),
    topic,
    readValue: withTimestamp(decoderOf(config), timestampColumn),
    start,
    lost,
    tombstones,
    group,
  });
}

function decoderOf({ format, registry }: KafkaConfig): DecodeValue {
  if (format === 'json' || registry === null) return jsonValue;
  return registeredValue(httpRegistry({ ...registry, timeoutMs: REGISTRY_TIMEOUT_MS }));
}
