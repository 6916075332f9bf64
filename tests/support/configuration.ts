/** Configuration files in a test: planned and applied as the commands do, on the context of a provider. */
import { createContext } from '../../src/app.ts'
import type { Scene } from '../../src/cli/administration.ts'
import { contextUnder } from '../../src/cli/plan/scene.ts'
import { carryOut } from '../../src/cli/plan/carry_out.ts'
import { makePlan, type Plan } from '../../src/cli/plan/make_plan.ts'
import type { SecretRules } from '../../src/cli/plan/secret_places.ts'
import { fileMembersOf } from '../../src/cli/plan/target.ts'
import { sourceIn, type Wanted, wantedOf } from '../../src/cli/plan/wanted.ts'
import type { Context } from '../../src/contracts/context.ts'
import { Client } from '../../src/models/client.ts'

const path = 'latchkey.yaml'

/** `clients` as JSON, which is YAML too. */
export const fileOf = (...clients: object[]): string => JSON.stringify({ latchkey: 1, clients })

/** Settings of the environment, and contexts under those of a file. */
export const sceneOf = (context: Context, env: Record<string, string> = {}): Scene => ({
  env,
  make: (config) =>
    createContext({
      config,
      store: context.store,
      keys: context.keys,
      clock: context.clock,
      random: context.random,
      log: context.log,
      audit: context.audit,
    }),
  inRealm: () => Promise.reject(new Error('a configuration file is of the server itself')),
})

export const wantedIn = (text: string, context: Context): Wanted =>
  wantedOf(sourceIn(text, path, path), context)

export async function planOf(
  context: Context,
  text: string,
  rules: Partial<SecretRules> = {},
  isRollback = false,
  env?: Record<string, string>,
): Promise<Plan> {
  const source = sourceIn(text, path, path)
  const isPlain = env === undefined && Object.keys(source.settings).length === 0
  const under = isPlain
    ? context
    : await contextUnder(source, sceneOf(context, env), source.problems, context)
  const own = { file: path, allowExec: false, allowWeak: false, ...rules }
  return makePlan(wantedOf(source, under), { path, rules: own, isRollback, before: context }, under)
}

export const applyFile = async (context: Context, text: string, rules?: Partial<SecretRules>) => {
  const plan = await planOf(context, text, rules)
  return { plan, done: await carryOut(plan, { what: 'apply' }, undefined, context) }
}

/** What a file decides of each client of the store, by client_id, with who manages it. */
export async function clientsOf(context: Context): Promise<Record<string, object>> {
  const clients = await Client.list(context)
  return Object.fromEntries(
    clients.map((client) => [
      client.client_id,
      { ...fileMembersOf(client, context), managed_by: client.managed_by?.file },
    ]),
  )
}
