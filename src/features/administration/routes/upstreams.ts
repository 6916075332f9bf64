/** The providers that people sign in from: how the last request ended, and a test of the connection. They are settings, so they are not changed here. docs/upstream.md */
import * as v from 'valibot'
import { HttpError } from '../../../auth/errors.ts'
import type { Context } from '../../../contracts/context.ts'
import type { UpstreamConnection } from '../../../contracts/feature.ts'
import { noteChange } from '../../../people/author.ts'
import { countTry } from '../../../people/rate_limit.ts'
import { authorOf } from '../actor.ts'
import { Moment } from '../person.ts'
import { defineRoute } from '../route.ts'

const Upstream = v.object({
  id: v.string(),
  label: v.string(),
  kind: v.string(),
  trusted: v.pipe(v.boolean(), v.description('Its acr and amr count here (UPSTREAM_TRUSTED)')),
  status: v.pipe(
    v.picklist(['ok', 'failed', 'not_asked_yet']),
    v.description('Of the last request for its metadata, or the last test, by this instance'),
  ),
  problem: v.nullable(v.string()),
  at: v.nullable(Moment),
})

const shown = ({ id, label, kind, trusted, last }: UpstreamConnection) => ({
  id,
  label,
  kind,
  trusted,
  status: last?.status ?? ('not_asked_yet' as const),
  problem: last?.problem ?? null,
  at: last?.at ?? null,
})

const upstreamsIn = (context: Context): UpstreamConnection[] =>
  context.table.operation.upstreams.flatMap((list) => [...list(context)])

/** Tests of one provider, by all administrators. */
const mostTests = 10
const testWindow = 60

export const upstreamRoutes = {
  list: defineRoute({
    method: 'GET',
    path: '/upstreams',
    summary: 'Lists the providers that people sign in from',
    scope: 'admin:upstream.read',
    answer: v.object({ items: v.array(Upstream) }),
    run: async (_call, context) => ({ answer: { items: upstreamsIn(context).map(shown) } }),
  }),

  test: defineRoute({
    method: 'POST',
    path: '/upstreams/{id}/test',
    summary: 'Connects to what the settings and the metadata of a provider name',
    scope: 'admin:upstream.write',
    changes: 'the status that is shown',
    answer: Upstream,
    async run(call, context, { params: { id }, actor }) {
      const found = upstreamsIn(context).find((each) => each.id === id)
      if (!found)
        throw new HttpError('not_found', {
          expected: 'the id of a provider that is configured',
          came: id,
          problem: 'there is no provider with this id',
          next: 'GET /admin/v1/upstreams lists them',
        })
      await countTry(context, 'upstream_test', id, mostTests, testWindow, { upstream: id })
      await found.test()
      await noteChange(context, authorOf(call, actor), 'upstream_tested', { about: id })
      return { answer: shown(upstreamsIn(context).find((each) => each.id === id) ?? found) }
    },
  }),
}
