import type { Faults } from '../expr/faults.ts';
import type { ModelPlan } from '../plan/plan.ts';
import type { ServingRefusal } from '../registry/serving-states.ts';
import type { CompiledService } from './compiled-service.ts';
import { ModelContract } from './model-contract.ts';
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

/** The contracts of all model versions, compiled when the first request names one. */
export class ModelContracts {
  readonly #faults: Faults;
  #models = new Map<string, ModelPlan>();
  #closed: ReadonlyMap<string, ServingRefusal> = new Map();
  /** By `model@version`, and there by `service@version`. */
  #compiled = new Map<string, Map<string, ModelContract>>();

  constructor(faults: Faults) {
    this.#faults = faults;
  }

  /** What was compiled read the state before; it is compiled anew. */
  use(models: readonly ModelPlan[]): void {
    this.#models = new Map(models.map((one) => [`${one.name}@${one.version}`, one]));
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
    const contract = new ModelContract(model, compiled, this.#faults);
    byService.set(service, contract);
    return contract;
  }

  totals(): ContractTotals[] {
    return [...this.#compiled].flatMap(([model, byService]) =>
      [...byService].map(([service, { totals }]) => ({ model, service, ...totals })),
    );
  }
}
