/** Each answer of a resource names the request it belongs to. https://openid.net/specs/openid-financial-api-part-1-1_0.html#section-6.2.1 */
import { expect, test } from 'bun:test'
import { bearer, stage, tokensOf } from '../support/flow.ts'
import { provider } from '../support/provider.ts'

const header = 'x-fapi-interaction-id'
const id = 'c770aef3-6784-41f7-8e0e-ff5f97bddb3a'
const uuid = /^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/

test('the one that came, or a new one; errors and data alike, and at resources alone', async () => {
  const op = await provider({ env: { PROFILE: 'classic' } })
  const ask = async (path: string, more: Record<string, string> = {}) =>
    (await op.fetch(path, { headers: more })).headers.get(header)
  expect(await ask('/userinfo', { [header]: id })).toBe(id)
  expect(await ask('/userinfo', { [header]: id.toUpperCase() })).toBe(id.toUpperCase())
  const made = [await ask('/userinfo'), await ask('/userinfo')]
  expect(made[0]).toMatch(uuid)
  expect(made[1]).toMatch(uuid)
  expect(made[0]).not.toBe(made[1])
  expect(await ask('/jwks.json', { [header]: id })).toBeNull()
  // Whatever else came is not repeated.
  for (const odd of ['x', `${id}, ${id}`, '<script>', `${id}0`])
    expect(await ask('/userinfo', { [header]: odd })).toMatch(uuid)
})

test('with a token too; and nothing where nobody asked for it', async () => {
  for (const [PROFILE, expected] of [
    ['classic', id],
    ['oauth21', null],
  ] as const) {
    const { op, alice } = await stage({ env: { PROFILE } })
    const tokens = await tokensOf(op, alice)
    const answer = await op.fetch('/userinfo', {
      headers: { ...(bearer(tokens.access_token).headers as Record<string, string>), [header]: id },
    })
    expect([answer.status, answer.headers.get(header)]).toEqual([200, expected])
  }
})
