export { ManualClock } from '../base/clock.ts';
export { type Random, seededRandom } from '../base/random.ts';
export { AcceptanceOracle } from '../ingest/acceptance-oracle.ts';
export {
  CONTRACT_SCHEMA,
  type ConnectorWorld,
  type ContractTools,
  checkConnector,
} from './connector-contract.ts';
export { CrashError, type Fault, type FaultPlan, MemoryDisk } from './memory-disk.ts';
export { MemoryFolder } from './memory-folder.ts';
export { MemoryKafka } from './memory-kafka.ts';
export {
  eventsOf,
  type Knows,
  type OracleAnswer,
  type OracleEvent,
  type OracleKey,
  oracleView,
  PlatformOracle,
} from './platform-oracle.ts';
export { ROW_STORE_CONTRACT } from './row-store-contract.ts';
export { checkRowStoreLife, type RowStoreLifeOptions } from './row-store-life.ts';
export type { MakeRowStoreWorld, RowStoreCheck, RowStoreWorld } from './row-store-world.ts';
export {
  type DiskFaults,
  type DiskLies,
  type DiskOperation,
  SimulatedDisk,
  type SimulatedDiskOptions,
} from './simulated-disk.ts';
export { SimulatedFile } from './simulated-file.ts';
export { Life, SimulatedClock, SimulatedTime } from './simulated-time.ts';
