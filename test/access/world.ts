import type { TestContext } from 'node:test';
import { Project, type ServerRun } from '../cli/project.ts';

/** Two teams of one server: hush, whose amounts are restricted, and shop. */
export const DEFINITIONS = `
import { count, entity, int64, lifetime, model, service, stream, string, sum, timestamp, view } from 'asof';
export const payments = stream('hush.payments', {
  columns: { payment: string(), card: string(), amount: int64(), at: timestamp() },
  eventTime: 'at', id: 'payment',
});
export const card = entity('hush.card', { keys: { card: string() } });
export const use = view('hush.use', {
  version: 1, source: payments, entity: card, key: { card: 'card' },
  features: (payment) => ({
    uses: count().over(lifetime()),
    spent: sum(payment.amount).over(lifetime()),
  }),
});
export const checks = service('hush.checks', { version: 1, features: [use.pick('uses')] });
export const sums = service('hush.sums', { version: 1, features: [use.all()] });
export const scorer = model('hush.scorer', { version: 1, service: checks, reads: ['uses'] });
export const counter = model('hush.counter', { version: 1, service: sums, reads: ['uses'] });
export const teller = model('hush.teller', { version: 1, service: sums, reads: ['spent', 'uses'] });
export const orders = stream('shop.orders', {
  columns: { order: string(), buyer: string(), at: timestamp() }, eventTime: 'at', id: 'order',
});
export const buyer = entity('shop.buyer', { keys: { buyer: string() } });
export const buys = view('shop.buys', {
  version: 1, source: orders, entity: buyer, key: { buyer: 'buyer' },
  features: () => ({ bought: count().over(lifetime()) }),
});
export const offers = service('shop.offers', { version: 1, features: [buys.all()] });
`;

const TEAM = [
  ['hush_reader', 'reader', 'hush'],
  ['hush_admin', 'admin', 'hush'],
  ['shop_reader', 'reader', 'shop'],
  ['shop_admin', 'admin', 'shop'],
] as const;

export type Who = 'nobody' | 'admin' | (typeof TEAM)[number][0];

/** A project with access control on, and an identity for every part to play. */
export class AccessWorld {
  readonly project: Project;
  readonly keys: ReadonlyMap<Who, string>;
  server: ServerRun | null = null;

  private constructor(project: Project, keys: ReadonlyMap<Who, string>) {
    this.project = project;
    this.keys = keys;
  }

  static async create(t: TestContext): Promise<AccessWorld> {
    const project = Project.create(t, DEFINITIONS);
    await ran(project, ['apply']);
    const keys = new Map<Who, string>();
    const keep = (who: Who, made: { readonly key: string }): void => {
      keys.set(who, made.key);
      project.write(`${who}.key`, `${made.key}\n`);
    };
    keep('admin', await ran(project, ['access', 'init']));
    const world = new AccessWorld(project, keys);
    for (const [who, role, namespace] of TEAM) {
      await world.as('admin', ['access', 'identity', 'add', who]);
      await world.as('admin', ['access', 'grant', who, role, namespace]);
      keep(who, (await world.as('admin', ['access', 'key', 'create', who])).result);
    }
    const rule = ['access', 'rule', 'add', '--column', 'hush.payments.amount', '--label', 'money'];
    await world.as('admin', rule);
    return world;
  }

  /** One command line of somebody, with `--json`. */
  async as(who: Who, args: readonly string[]): ReturnType<Project['json']> {
    const token = who === 'nobody' ? [] : ['--token-file', `${who}.key`];
    return this.project.json([...args, ...token]);
  }

  async serve(): Promise<string> {
    this.server = await this.project.server('serve');
    return this.server.url;
  }

  headers(who: Who): Record<string, string> {
    const key = this.keys.get(who);
    return key === undefined ? {} : { authorization: `Bearer ${key}` };
  }
}

async function ran(project: Project, args: readonly string[]): Promise<{ readonly key: string }> {
  const { code, result, stderr } = await project.json(args);
  if (code !== 0) throw new Error(`${args.join(' ')}: ${stderr}${JSON.stringify(result)}`);
  return result;
}
