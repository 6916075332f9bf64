/** What the authorization parameters of features add to a grant and to the consent page. */
import type { Context } from '../contracts/context.ts'
import type { Params } from '../auth/params.ts'
import { foreignText } from '../html/foreign_text.ts'
import { nameItem, namesUnder } from '../html/page_parts.ts'
import type { Html } from '../html/view.ts'
import { say } from '../lib/say.ts'
import type { Client } from '../models/client.ts'
import type { Grant, GrantExtra } from '../models/grant.ts'

/** Throws the error of an invalid parameter. */
export async function readExtra(params: Params, client: Client, context: Context): Promise<GrantExtra> {
  const extra = {} as GrantExtra
  for (const parameter of context.table.authorizationParameters)
    Object.assign(extra, await parameter.read(context, params, client))
  return extra
}

/** The APIs that the tokens are for. */
export const audienceOf = (extra: Grant | GrantExtra, context: Context): string[] =>
  context.table.authorizationParameters.flatMap((each) => each.audience?.(extra) ?? [])

const longestUri = 2000

/** A list of APIs on a page. Each is shown whole. */
export const shownAudience = (audience: readonly string[]): Html[] =>
  audience.length === 0
    ? []
    : [
        namesUnder({
          text: say('consent.audience'),
          names: audience.map((uri) => nameItem({ name: foreignText(uri, longestUri) })),
        }),
      ]

const described = (extra: GrantExtra, context: Context): Html[] =>
  context.table.authorizationParameters.flatMap((each) => each.describe?.(context, extra) ?? [])

/** Whether the End-User must be asked at each request. */
export const asksEachTime = (extra: GrantExtra, context: Context): boolean =>
  described(extra, context).length > 0

/** For a page that asks the End-User. This provider is no API beside those that the application asks for. */
export const describeExtra = (extra: GrantExtra, context: Context): Html[] => [
  ...shownAudience(audienceOf(extra, context).filter((each) => each !== context.config.issuer)),
  ...described(extra, context),
]
