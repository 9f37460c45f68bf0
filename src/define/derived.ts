import type { KeptAs } from './kept-as.ts';
import type { DerivedNode, ExprSlot } from './node.ts';
import type { JsValue, Tagged, TypeTag, value } from './type-tag.ts';

/** A derived feature: an expression over other features of its view, with its default. */
export interface Derived<T extends TypeTag, V> extends Tagged<T> {
  readonly [value]: V;
  readonly node: DerivedNode | ExprSlot;
  /** The feature's value where the expression is null. */
  default(fallback: JsValue<T>): Derived<T, Exclude<V, null>>;
  /** Keeps the value as the nearest float32 or float16 (semantics §3, kept values). */
  as(kept: KeptAs<T>): Derived<T, V>;
  describe(text: string): Derived<T, V>;
  tag(...tags: readonly string[]): Derived<T, V>;
  /** Its view or service, and whatever reads it, is served once somebody else has approved it. */
  risk(level: 'high'): Derived<T, V>;
}

export class DerivedBuilder {
  readonly node: DerivedNode;

  constructor(node: DerivedNode) {
    this.node = Object.freeze(node);
    Object.freeze(this);
  }

  static of(expr: ExprSlot): DerivedBuilder {
    return new DerivedBuilder({
      kind: 'derived',
      expr,
      default: null,
      description: null,
      tags: [],
    });
  }

  default(fallback: unknown): DerivedBuilder {
    return new DerivedBuilder({ ...this.node, default: fallback });
  }

  as(kept: unknown): DerivedBuilder {
    return new DerivedBuilder({ ...this.node, kept });
  }

  describe(text: string): DerivedBuilder {
    return new DerivedBuilder({ ...this.node, description: text });
  }

  tag(...tags: readonly string[]): DerivedBuilder {
    return new DerivedBuilder({ ...this.node, tags: Object.freeze([...this.node.tags, ...tags]) });
  }

  risk(_level: 'high'): DerivedBuilder {
    return new DerivedBuilder({ ...this.node, risk: 'high' });
  }
}
