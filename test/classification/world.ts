import { present } from '../../src/base/assert.ts';
import type { Random } from '../../src/base/random.ts';
import type {
  AggregateNode,
  DefinitionNode,
  NamedColumn,
  PickNode,
  ServiceNode,
  StreamNode,
  ViewNode,
} from '../../src/define/node.ts';
import { generateDefinitions } from '../conformance/generate-definitions.ts';

/** A random project, taken apart so that one thing of it can be edited. */
export interface World {
  readonly sources: readonly StreamNode[];
  readonly views: readonly ViewNode[];
  readonly service: ServiceNode;
}

export function randomWorld(random: Random): World {
  const { whole } = generateDefinitions(random);
  const sources = whole.filter((one): one is StreamNode => one.kind === 'stream');
  const service = present(
    whole.find((one): one is ServiceNode => one.kind === 'service'),
    'a generated project has a service',
  );
  const views = service.picks.flatMap((pick) => (pick.kind === 'pick' ? [pick.view] : []));
  return { sources, views, service };
}

/** The project as definitions: views over the sources, and picks of the views, that there are now. */
export function definitionsOf({ sources, views, service }: World): DefinitionNode[] {
  const byName = new Map(sources.map((source) => [source.name, source]));
  const placed = new Map(
    views.map((view) => [
      `${view.name}@${view.version}`,
      { ...view, source: byName.get(view.source?.name ?? '') ?? null },
    ]),
  );
  const picks = service.picks.flatMap((pick): PickNode[] => {
    if (pick.kind !== 'pick') return [];
    const view = placed.get(`${pick.view.name}@${pick.view.version}`);
    return view === undefined ? [] : [{ ...pick, view }];
  });
  return [...sources, { ...service, picks }];
}

/** An edit of one of the sources that a view reads; null where it does not apply. */
export function editSource(
  random: Random,
  world: World,
  edit: (source: StreamNode) => StreamNode | null,
): World | null {
  const read = world.sources.filter(({ name }) =>
    world.views.some((view) => view.source?.name === name),
  );
  const source = random.pick(read);
  const edited = edit(source);
  if (edited === null) return null;
  return { ...world, sources: world.sources.map((one) => (one === source ? edited : one)) };
}

/** An edit of one column for which `suits` holds. */
export function editColumn(
  random: Random,
  world: World,
  suits: (column: NamedColumn, source: StreamNode) => boolean,
  edit: (column: NamedColumn) => NamedColumn | null,
): World | null {
  return editSource(random, world, (source) => {
    const suited = source.columns.filter((column) => suits(column, source));
    if (suited.length === 0) return null;
    const column = random.pick(suited);
    const edited = edit(column);
    const columns = source.columns.flatMap((one) =>
      one !== column ? [one] : edited === null ? [] : [edited],
    );
    return { ...source, columns };
  });
}

export function editView(
  random: Random,
  world: World,
  edit: (view: ViewNode) => ViewNode | null,
): World | null {
  const view = random.pick(world.views);
  const edited = edit(view);
  if (edited === null) return null;
  return { ...world, views: world.views.map((one) => (one === view ? edited : one)) };
}

/** An edit of one aggregate for which `suits` holds. */
export function editAggregate(
  random: Random,
  world: World,
  suits: (node: AggregateNode) => boolean,
  edit: (node: AggregateNode) => AggregateNode,
): World | null {
  return editView(random, world, (view) => {
    const suited = view.features.filter(
      ({ feature }) => feature.kind === 'aggregate' && suits(feature),
    );
    if (suited.length === 0) return null;
    const named = random.pick(suited);
    const features = view.features.map((one) =>
      one === named && one.feature.kind === 'aggregate'
        ? { ...one, feature: edit(one.feature) }
        : one,
    );
    return { ...view, features };
  });
}
