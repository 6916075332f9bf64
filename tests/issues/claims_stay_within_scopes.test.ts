/**
 * Issue 8, A.8: the `claims` parameter went round the scopes of a client: one that may only have openid got the salary and
 * the roles, a first-party one without a page. A token that was narrowed by exchange kept the claims.
 */
import { describe, expect, test } from 'bun:test'
import { User } from '../../src/models/user.ts'
import { pageOf } from '../support/authenticator.ts'
import { claimsOf, type Json } from '../support/client.ts'
import {
  alice,
  browser,
  demo,
  open,
  operatorClient,
  post,
  refresh,
  tokensOf,
  userinfo,
} from '../support/flow.ts'
import { provider } from '../support/provider.ts'

const scopes = { payroll: { description: 'See your pay', claims: { salary: 'salary', roles: 'roles' } } }
const op = await provider({ env: { CUSTOM_SCOPES: JSON.stringify(scopes) } })
const known = (await User.findByUsername(op.context, 'alice'))!
await User.update(op.context, known.sub, (current) => ({
  ...current,
  roles: ['admin'],
  attributes: { salary: 90_000 },
  claims: { ...current.claims, 'name#de': 'Alicia', undefined_here: 'secret' },
}))

const wanted = ['salary', 'roles', 'email', 'birthdate', 'name#de', 'undefined_here', 'constructor']
const asked = Object.fromEntries(wanted.map((name) => [name, { essential: true }]))
const claims = JSON.stringify({ userinfo: asked, id_token: asked })
const receives = (document: Json) => wanted.filter((name) => Object.hasOwn(document, name))

async function given(client_id: string, scope: string, more: Json = {}) {
  const client = await operatorClient(op, { client_id, scope, ...more })
  const tokens = await tokensOf(op, browser(op), client, { scope: 'openid', claims })
  const info = await userinfo(op, tokens.access_token)
  return { client, tokens, claims: [receives(info.body), receives(claimsOf(tokens.id_token))] }
}

describe('the claims parameter gives no more than the scopes that the client may have', () => {
  test.each<[string, Json]>([
    ['a client', {}],
    ['a first-party client', { first_party: true }],
  ])('%s', async (kind, more) => {
    const name = kind.replaceAll(' ', '-')
    expect((await given(`${name}-openid`, 'openid', more)).claims).toEqual([[], []])
    const both = ['email', 'birthdate', 'name#de']
    expect((await given(`${name}-profile`, 'openid profile email', more)).claims).toEqual([both, both])
    const pay = ['salary', 'roles']
    expect((await given(`${name}-payroll`, 'openid payroll', more)).claims).toEqual([pay, pay])
  })

  test('the page shows those that are given, and nothing of a claim that is not defined', async () => {
    const client = await operatorClient(op, { client_id: 'shown', scope: 'openid payroll' })
    const who = browser(op)
    const words = {
      'verify_your_account_at_evil.example': null,
      salary: null,
      email: null,
      'roles#at-evil': null,
      'roles#at evil': null,
    }
    const request = { scope: 'openid', claims: JSON.stringify({ userinfo: words }) }
    const signIn = pageOf(await open(op, who, request, client))
    const { html } = pageOf(await who.press(signIn, 'login', alice))
    expect(html).toContain('See this information about you: <bdi>salary</bdi>')
    for (const absent of ['evil', 'verify', 'email address']) expect(html).not.toContain(absent)
  })
})

describe('a token with fewer scopes than its grant has none of the claims', () => {
  const exchange = 'urn:ietf:params:oauth:grant-type:token-exchange'
  const narrowed = async () => {
    const client = await operatorClient(op, {
      client_id: `narrowing-${op.context.random(6)}`,
      scope: 'openid email payroll',
      grant_types: ['authorization_code', 'refresh_token', exchange],
    })
    const one = JSON.stringify({ userinfo: { salary: null }, id_token: { salary: null } })
    const tokens = await tokensOf(op, browser(op), client, { scope: 'openid email', claims: one })
    expect((await userinfo(op, tokens.access_token)).body).toMatchObject({ salary: 90_000 })
    return { client, tokens }
  }

  test('by exchange', async () => {
    const { client, tokens } = await narrowed()
    const exchanged = async (subject_token: unknown, scope: string) => {
      const { body } = await post(op, '/token', client, {
        grant_type: exchange,
        subject_token: String(subject_token),
        subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
        scope,
      })
      return body.access_token
    }
    const narrow = await exchanged(tokens.access_token, 'openid')
    expect((await userinfo(op, String(narrow))).body).toEqual({ sub: 'user-alice' })
    const again = await exchanged(narrow, 'openid')
    expect((await userinfo(op, String(again))).body).toEqual({ sub: 'user-alice' })
    const whole = await exchanged(tokens.access_token, 'openid email')
    expect((await userinfo(op, String(whole))).body).toMatchObject({ salary: 90_000 })
  })

  test('by a refresh', async () => {
    const { client, tokens } = await narrowed()
    const { body } = await refresh(op, client, tokens.refresh_token, { scope: 'openid' })
    expect((await userinfo(op, String(body.access_token))).body).toEqual({ sub: 'user-alice' })
    expect(claimsOf(body.id_token)).not.toHaveProperty('salary')
    const whole = await refresh(op, client, String(body.refresh_token))
    expect(claimsOf(whole.body.id_token)).toMatchObject({ salary: 90_000 })
  })
})

test('the demo client, which may have every standard scope, still gets single claims', async () => {
  const one = JSON.stringify({ userinfo: { nickname: null } })
  const tokens = await tokensOf(op, browser(op), demo, { scope: 'openid', claims: one })
  expect((await userinfo(op, tokens.access_token)).body).toEqual({ sub: 'user-alice', nickname: 'ally' })
})
