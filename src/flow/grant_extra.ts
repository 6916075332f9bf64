/** What the authorization parameters of features add to a grant and to the consent page. */
import type { Context } from '../contracts/context.ts'
import type { Params } from '../auth/params.ts'
import type { Html } from '../html/view.ts'
import type { Client } from '../models/client.ts'
import type { GrantExtra } from '../models/grant.ts'

/** Throws the error of an invalid parameter. */
export async function readExtra(params: Params, client: Client, context: Context): Promise<GrantExtra> {
  const extra = {} as GrantExtra
  for (const parameter of context.table.authorizationParameters)
    Object.assign(extra, await parameter.read(context, params, client))
  return extra
}

export const describeExtra = (extra: GrantExtra, context: Context): Html[] =>
  context.table.authorizationParameters.flatMap((each) => each.describe?.(context, extra) ?? [])
