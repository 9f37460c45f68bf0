import type { ColumnDefinition, EventOf } from './column.ts';
import type { Expression } from './expression-type.ts';
import type { NamedColumn, NamedFeature, ServiceNode } from './node.ts';
import { type RowField, rowOf } from './row.ts';
import type { TypeProblem } from './type-problem.ts';
import type { Flatten, JsValue, TagOf, TypeTag } from './type-tag.ts';

/** Fields of a request, by name. */
export type RequestMap = Readonly<Record<string, ColumnDefinition>>;

type OptionalNames<R extends RequestMap> = {
  [Name in keyof R]: R[Name] extends ColumnDefinition<TypeTag, false> ? never : Name;
}[keyof R];

/** What a request gives, as JavaScript values; an optional field may be left out. */
export type RequestValues<R extends RequestMap> = Flatten<
  { [Name in Exclude<keyof R, OptionalNames<R>>]: JsValue<TagOf<R[Name]>> } & {
    [Name in OptionalNames<R>]?: JsValue<TagOf<R[Name]>> | null;
  }
>;

/** The same as functions see it: an optional field that was left out is null. */
export type RequestInputs<R extends RequestMap> = {
  [Name in keyof R]: R[Name] extends ColumnDefinition<TypeTag, false>
    ? JsValue<TagOf<R[Name]>>
    : JsValue<TagOf<R[Name]>> | null;
};

/** Nothing to say of names that are new; of any other, a sentence. */
export type NewNames<Given, Taken, Noun extends string> = {
  readonly [Name in keyof Given &
    Taken]: TypeProblem<`the ${Noun} ${Name & string} has the name of something else in the service`>;
};

/** What on-demand features are made of. */
export interface OnDemandRow<R extends RequestMap, Tags> {
  readonly request: EventOf<R>;
  readonly feature: {
    readonly [Name in keyof Tags]: Tags[Name] extends TypeTag
      ? Expression<Tags[Name]>
      : TypeProblem<`the feature ${Name & string} is a ${Tags[Name] & string}; expressions take single values`>;
  };
}

/** The object that `onDemand` is called with. */
export function onDemandRow(
  name: string,
  picks: ServiceNode['picks'],
  request: readonly NamedColumn[],
): { readonly request: object; readonly feature: object } {
  const fields = request.map(({ name: field, column }) => ({
    name: field,
    type: column.kind === 'problem' ? null : column.type,
  }));
  return {
    request: rowOf(`The request of '${name}'`, 'field', fields),
    feature: rowOf(`The service '${name}'`, 'feature', picks.flatMap(outputFields)),
  };
}

/** The outputs of a pick; a name that the view does not have is listed where it is picked. */
function outputFields(pick: ServiceNode['picks'][number]): RowField[] {
  if (pick.kind === 'problem') return [];
  const features = new Map(pick.view.features.map((named) => [named.name, typeOf(named)]));
  const wanted = pick.features ?? pick.view.features.map(({ name }) => ({ name, feature: name }));
  return wanted.map(({ name, feature }) => ({ name, type: features.get(feature) ?? null }));
}

function typeOf({ feature }: NamedFeature): RowField['type'] {
  if (feature.kind === 'aggregate') return feature.type;
  if (feature.kind === 'problem' || feature.expr.kind === 'problem') return null;
  return feature.expr.type;
}
