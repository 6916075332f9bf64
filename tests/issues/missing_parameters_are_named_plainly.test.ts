/** A missing parameter was answered with the words of the schema: "Invalid key: Expected 'code' but received undefined". */
import { expect, test } from 'bun:test'
import { formPost } from '../support/client.ts'
import { demo } from '../support/flow.ts'
import { provider } from '../support/provider.ts'

test.each([
  ['/token', { grant_type: 'authorization_code' }, 'code is required for grant_type authorization_code'],
  ['/token', { grant_type: 'refresh_token' }, 'refresh_token is required for grant_type refresh_token'],
  ['/introspect', {}, 'token is required'],
  ['/introspect', { token: '' }, 'token is required'],
  ['/revoke', {}, 'token is required'],
])('%s %p', async (path, params, words) => {
  const op = await provider()
  const answer = await op.fetch(path, formPost(demo, params))
  expect(answer.status).toBe(400)
  expect(await answer.json()).toEqual({ error: 'invalid_request', error_description: words })
})
