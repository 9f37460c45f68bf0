import type { Faults } from '../expr/faults.ts';
import type { ModelPlan } from '../plan/plan.ts';
import type { ServingRefusal } from '../registry/serving-states.ts';
import type { CompiledService } from './compiled-service.ts';
import { ContractTally, ModelContract } from './model-contract.ts';
import { notActive, unknownModel } from './unknown-names.ts';

/** How often a model version was answered, and did not fit, since the start. */
export interface ContractTotals {
  readonly model: string;
  readonly service: string;
  readonly requests: number;
  readonly rows: number;
  readonly refused: number;
  readonly flagged: number;
}

interface Tallied {
  /** Of the model and of the service. */
  readonly hashes: readonly [string, string];
  readonly tally: ContractTally;
}

/** The contracts of all model versions, compiled when the first request names one. */
export class ModelContracts {
  readonly #faults: Faults;
  #models = new Map<string, ModelPlan>();
  #closed: ReadonlyMap<string, ServingRefusal> = new Map();
  /** By `model@version`, and there by `service@version`. */
  #compiled = new Map<string, Map<string, ModelContract>>();
  /** Likewise; goes on while both mean the same. */
  #tallies = new Map<string, Map<string, Tallied>>();

  constructor(faults: Faults) {
    this.#faults = faults;
  }

  /** What was compiled read the state before; it is compiled anew. */
  use(models: readonly ModelPlan[]): void {
    this.#models = new Map(models.map((one) => [`${one.name}@${one.version}`, one]));
    for (const title of this.#tallies.keys()) {
      if (!this.#models.has(title)) this.#tallies.delete(title);
    }
    this.#compiled = new Map();
  }

  /** The models that may not read, by `name@version`. */
  close(closed: ReadonlyMap<string, ServingRefusal>): void {
    this.#closed = closed;
    // A service that is deprecated, or is not any more, says so with every answer.
    this.#compiled = new Map();
  }

  /** @param title `name@version` @throws AsofError `unknown_model`, `not_active` */
  find(title: string): ModelPlan {
    const found = this.#models.get(title);
    const refusal = this.#closed.get(title);
    if (found !== undefined && refusal !== undefined) throw notActive(refusal);
    if (found !== undefined) return found;
    throw unknownModel(title, this.#models.keys());
  }

  /** The contract against the version that is to answer. */
  of(model: ModelPlan, compiled: CompiledService): ModelContract {
    const title = `${model.name}@${model.version}`;
    const { name, version } = compiled.plan.service;
    const service = `${name}@${version}`;
    const byService = this.#compiled.get(title) ?? new Map<string, ModelContract>();
    this.#compiled.set(title, byService);
    const known = byService.get(service);
    if (known !== undefined) return known;
    const tally = this.#tallyOf(title, service, [model.hash, compiled.plan.service.hash]);
    const contract = new ModelContract(model, compiled, this.#faults, tally);
    byService.set(service, contract);
    return contract;
  }

  #tallyOf(title: string, service: string, hashes: Tallied['hashes']): ContractTally {
    const byService = this.#tallies.get(title) ?? new Map<string, Tallied>();
    this.#tallies.set(title, byService);
    const known = byService.get(service);
    if (known?.hashes.every((hash, at) => hash === hashes[at])) return known.tally;
    const tally = new ContractTally();
    byService.set(service, { hashes, tally });
    return tally;
  }

  totals(): ContractTotals[] {
    return [...this.#tallies].flatMap(([model, byService]) =>
      [...byService].map(([service, { tally }]) => ({ model, service, ...tally.totals })),
    );
  }
}
