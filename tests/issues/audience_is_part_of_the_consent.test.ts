/**
 * Issue 8, A.8: `resource` was neither shown nor remembered, so that one consent served any audience later; with an empty
 * RESOURCES every client got tokens for any audience, and one that registered itself got them without an End-User.
 */
import { describe, expect, test } from 'bun:test'
import { pageOf } from '../support/authenticator.ts'
import { claimsOf } from '../support/client.ts'
import {
  alice,
  authorize,
  browser,
  demo,
  open,
  operatorClient,
  outcome,
  post,
  redeem,
  tokensOf,
} from '../support/flow.ts'
import { provider } from '../support/provider.ts'
import { asClient, registered } from '../support/registration.ts'

const [notes, mail] = ['https://notes.example/api', 'https://mail.example/api']
const op = await provider({
  env: {
    RESOURCES: `${notes} ${mail}`,
    REGISTRATION: 'open',
    REGISTRATION_ALLOWED_GRANT_TYPES: 'authorization_code refresh_token client_credentials',
  },
})

describe('the consent', () => {
  test('page has the APIs that the tokens are for', async () => {
    const who = browser(op)
    const signIn = pageOf(await open(op, who, { resource: `${notes}\n${mail}` }))
    const { html } = pageOf(await who.press(signIn, 'login', alice))
    for (const api of [notes, mail]) expect(html).toContain(`<bdi>${api}</bdi>`)
  })

  test('for one API serves no other, nor a request without one', async () => {
    const who = browser(op)
    const silently = (more: Record<string, string>) => outcome(op, who, { prompt: 'none', ...more })
    await tokensOf(op, who, demo, { resource: notes })
    expect(await silently({ resource: notes })).toBe('code')
    expect(await silently({ resource: mail })).toBe('error:consent_required')
    expect(await silently({ resource: `${notes}\n${mail}` })).toBe('error:consent_required')
    expect(await silently({})).toBe('error:consent_required')
    await tokensOf(op, who, demo, { resource: mail, scope: 'openid' })
    expect(await silently({ resource: mail, scope: 'openid' })).toBe('code')
    expect(await silently({ resource: mail, scope: 'openid email' })).toBe('error:consent_required')
    expect(await silently({ resource: `${notes}\n${mail}`, scope: 'openid' })).toBe('code')
  })

  test('page of a device has them too', async () => {
    const device = await operatorClient(op, {
      client_id: 'tv',
      grant_types: ['urn:ietf:params:oauth:grant-type:device_code'],
      response_types: [],
      redirect_uris: [],
    })
    const { body } = await post(op, '/device_authorization', device, { scope: 'openid', resource: notes })
    const who = browser(op)
    const signIn = pageOf(await who.open(`${op.issuer}/device?user_code=${String(body.user_code)}`))
    const typed = pageOf(await who.press(signIn, 'login', alice))
    const confirm = pageOf(await who.press(typed, 'continue'))
    expect(confirm.html).toContain(`<bdi>${notes}</bdi>`)
  })

  test('lists the APIs in the account', async () => {
    const who = browser(op)
    await tokensOf(op, who, demo, { resource: notes })
    const { html } = pageOf(await who.open(`${op.issuer}/account/applications`))
    expect(html).toContain(`<bdi>${notes}</bdi>`)
  })
})

describe('without RESOURCES', async () => {
  const none = await provider({ env: { PROFILE: 'classic', REGISTRATION: 'open' } })
  const machine = { grant_type: 'client_credentials' }

  test('no client gets a token for an API, with or without an End-User', async () => {
    const made = await registered(none, {
      redirect_uris: ['https://app.example/cb'],
      grant_types: ['authorization_code', 'client_credentials'],
    })
    for (const client of [demo, asClient(made)]) {
      const own = await post(none, '/token', client, { ...machine, resource: notes })
      expect([own.status, own.body.error]).toEqual([400, 'invalid_target'])
    }
    expect(await outcome(none, browser(none), { resource: notes })).toBe('error:invalid_target')
    const plain = await authorize(none, browser(none))
    expect((await redeem(none, demo, plain, { resource: notes })).body.error).toBe('invalid_target')
  })

  test('but for those that an operator allowed to this client', async () => {
    const one = await operatorClient(none, {
      client_id: 'one',
      grant_types: ['authorization_code', 'client_credentials'],
      allowed_resources: [notes],
    })
    const any = await operatorClient(none, {
      client_id: 'any',
      grant_types: ['client_credentials'],
      allowed_resources: ['*'],
    })
    const ask = async (client: typeof demo, resource: string) => {
      const { status, body } = await post(none, '/token', client, { ...machine, resource })
      return status === 200 ? claimsOf(body.access_token).aud : body.error
    }
    expect(await ask(one, notes)).toBe(notes)
    expect(await ask(one, mail)).toBe('invalid_target')
    expect(await ask(any, mail)).toBe(mail)
    expect(await ask(any, 'http://localhost:9100/mcp')).toBe('http://localhost:9100/mcp')
    for (const odd of ['http://mail.example/', 'urn:example:api', '*'])
      expect([odd, await ask(any, odd)]).toEqual([odd, 'invalid_target'])
    const tokens = await tokensOf(none, browser(none), one, { resource: notes })
    expect(claimsOf(tokens.access_token).aud).toBe(notes)
  })

  test('a client registers that privilege by no means', async () => {
    const made = await registered(none, {
      redirect_uris: ['https://app.example/cb'],
      grant_types: ['client_credentials'],
      response_types: [],
      allowed_resources: ['*'],
    })
    const { body } = await post(none, '/token', asClient(made), { ...machine, resource: notes })
    expect(body.error).toBe('invalid_target')
  })
})

test('a client that registered itself gets tokens for an API from an End-User alone', async () => {
  const made = await registered(op, {
    redirect_uris: ['https://app.example/cb'],
    grant_types: ['authorization_code', 'client_credentials'],
  })
  const client = asClient(made)
  const own = await post(op, '/token', client, { grant_type: 'client_credentials', resource: notes })
  expect([own.status, own.body.error]).toEqual([400, 'invalid_target'])
  const plain = await post(op, '/token', client, { grant_type: 'client_credentials' })
  expect(claimsOf(plain.body.access_token).aud).toBe(op.issuer)
  const tokens = await tokensOf(op, browser(op), client, { resource: notes })
  expect(claimsOf(tokens.access_token).aud).toBe(notes)
})
