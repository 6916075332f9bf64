/** The scopes that clients can request and the claims of each. They are settings, so they are only read here. https://openid.net/specs/openid-connect-core-1_0.html#ScopeClaims */
import * as v from 'valibot'
import { standardScopes } from '../../../auth/scope.ts'
import type { Context } from '../../../contracts/context.ts'
import { wordsOf } from '../../../html/words.ts'
import { isSaid } from '../../../lib/say.ts'
import { pageOf, pageQuery, pageWithin } from '../cursor.ts'
import { defineRoute } from '../route.ts'

const Scope = v.object({
  name: v.string(),
  claims: v.pipe(v.array(v.string()), v.description('That the scope requests')),
  description: v.pipe(v.nullable(v.string()), v.description('On the consent page, in English')),
  from: v.pipe(
    v.string(),
    v.description('standard, SCOPES, or the feature that has it; attributes: CUSTOM_SCOPES'),
  ),
  by_operator: v.pipe(
    v.boolean(),
    v.description('Only an operator or an administrator gives it to a client'),
  ),
})

function sourceOf({ table, config }: Context, scope: string): string {
  const source = table.claims.find(({ scopes }) =>
    Object.hasOwn((typeof scopes === 'function' ? scopes(config) : scopes) ?? {}, scope),
  )
  if (source) return source.name
  return (standardScopes as readonly string[]).includes(scope) ? 'standard' : 'SCOPES'
}

function descriptionOf({ scopeDescriptions }: Context, scope: string): string | null {
  const words = scopeDescriptions[scope]
  if (words === undefined) return null
  if (isSaid(words)) return wordsOf('en').text(words)
  return typeof words === 'string' ? words : (words.en ?? Object.values(words)[0] ?? null)
}

export const scopeRoutes = {
  list: defineRoute({
    method: 'GET',
    path: '/scopes',
    summary: 'Lists the scopes and their claims; SCOPES and CUSTOM_SCOPES change them',
    scope: 'admin:settings.read',
    query: pageQuery,
    answer: pageOf(Scope),
    async run(_call, context, { query }) {
      const { items, next } = pageWithin(context, { list: 'scopes', query }, context.scopes, (name) => name)
      return {
        answer: {
          items: items.map((name) => ({
            name,
            claims: [...(context.scopeTable[name] ?? [])],
            description: descriptionOf(context, name),
            from: sourceOf(context, name),
            by_operator: !context.openScopes.includes(name),
          })),
          next,
        },
      }
    },
  }),
}
