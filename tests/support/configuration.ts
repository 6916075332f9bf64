/** Configuration files in a test: planned and applied as the commands do, on the context of a provider. */
import { carryOut } from '../../src/cli/plan/carry_out.ts'
import { makePlan, type Plan } from '../../src/cli/plan/make_plan.ts'
import type { SecretRules } from '../../src/cli/plan/secret_places.ts'
import { fileMembersOf } from '../../src/cli/plan/target.ts'
import { wantedIn } from '../../src/cli/plan/wanted.ts'
import type { Context } from '../../src/contracts/context.ts'
import { Client } from '../../src/models/client.ts'

const path = 'latchkey.yaml'

/** `clients` as JSON, which is YAML too. */
export const fileOf = (...clients: object[]): string => JSON.stringify({ latchkey: 1, clients })

export const planOf = (
  context: Context,
  text: string,
  rules: Partial<SecretRules> = {},
  isRollback = false,
): Promise<Plan> =>
  makePlan(
    wantedIn(text, path, path, context),
    { path, rules: { file: path, allowExec: false, allowWeak: false, ...rules }, isRollback },
    context,
  )

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
