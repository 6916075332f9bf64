/** Any number of resources of any length were compared one by one, parsed and stored with the grant. https://www.rfc-editor.org/rfc/rfc8707#section-2 */
import { expect, test } from 'bun:test'
import { demo, formPost } from '../support/client.ts'
import { provider } from '../support/provider.ts'

test.each([
  ['at most 50 resources', Array.from({ length: 51 }, (_, i) => `https://api${i}.example/`).join('\n')],
  ['at most 2000 characters', `https://a${'\u0301\u0323'.repeat(1_000)}.example/`],
])('a request is refused with the bound: %s', async (bound, resource) => {
  const op = await provider()
  const answer = await op.fetch('/token', formPost(demo, { grant_type: 'client_credentials', resource }))
  const body = (await answer.json()) as { error: string; error_description: string }
  expect([answer.status, body.error]).toEqual([400, 'invalid_target'])
  expect(body.error_description).toContain(bound)
})
