/** A code whose redirect URI was removed from its client was redeemed. Nothing of a disabled account or after a denial gives tokens. Issue 8, A.14 */
import { describe, expect, test } from 'bun:test'
import { Client } from '../../src/models/client.ts'
import { Grant } from '../../src/models/grant.ts'
import { User } from '../../src/models/user.ts'
import { addClient, bank, begin, poll, settle } from '../support/backchannel.ts'
import { authorizationUrl, demo } from '../support/client.ts'
import {
  alice,
  authorize,
  browser,
  operatorClient,
  post,
  redeem,
  refresh,
  tokensOf,
} from '../support/flow.ts'
import { type Provider, provider } from '../support/provider.ts'

const deviceGrant = 'urn:ietf:params:oauth:grant-type:device_code'
const exchangeGrant = 'urn:ietf:params:oauth:grant-type:token-exchange'
const sub = 'user-alice'

/** Each gets a handle of Alice, and returns the token request that uses it. */
const handles: Record<string, (op: Provider) => Promise<() => Promise<{ status: number; body: object }>>> = {
  code: async (op) => {
    const authorized = await authorize(op, browser(op))
    return () => redeem(op, demo, authorized)
  },
  'refresh token': async (op) => {
    const { refresh_token } = await tokensOf(op, browser(op))
    return () => refresh(op, demo, refresh_token)
  },
  'refresh token for offline_access': async (op) => {
    const { refresh_token } = await tokensOf(op, browser(op), demo, {
      scope: 'openid offline_access',
      prompt: 'consent',
    })
    return () => refresh(op, demo, refresh_token)
  },
  'device code': async (op) => {
    const tv = await operatorClient(op, {
      client_id: 'tv',
      grant_types: [deviceGrant, 'refresh_token'],
      response_types: [],
      scope: 'openid profile',
    })
    const { body } = await post(op, '/device_authorization', tv, { scope: 'openid' })
    const who = browser(op)
    const login = (await who.open(`/device?user_code=${String(body.user_code)}`)).page!
    const typed = (await who.press(login, 'login', alice)).page!
    const confirm = (await who.press(typed, 'continue', { user_code: String(body.user_code) })).page!
    await who.press(confirm, 'allow')
    return () => post(op, '/token', tv, { grant_type: deviceGrant, device_code: String(body.device_code) })
  },
  auth_req_id: async (op) => {
    await addClient(op)
    const { body } = await begin(op)
    await settle(op)
    return () => poll(op, body.auth_req_id, bank)
  },
  'exchanged token': async (op) => {
    const { access_token } = await tokensOf(op, browser(op))
    const api = await operatorClient(op, {
      client_id: 'api',
      grant_types: [exchangeGrant],
      response_types: [],
      resource_server: true,
    } as never)
    return () =>
      post(op, '/token', api, {
        grant_type: exchangeGrant,
        subject_token: access_token,
        subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      })
  },
}

for (const [change, gone] of Object.entries({
  disabled: { disabled: true },
  'to be deleted': { leaving_at: 2_000_000_000 },
}))
  describe(`of an account that is ${change}`, () => {
    test.each(Object.entries(handles))(
      'a %s gives nothing, also when the account is back',
      async (_, make) => {
        const op = await provider()
        const use = await make(op)
        await User.update(op.context, sub, (user) => ({ ...user, ...gone }))
        const refused = await use()
        expect([refused.status, 'access_token' in refused.body]).toEqual([400, false])
        await User.update(op.context, sub, ({ leaving_at: _, ...user }) => ({ ...user, disabled: false }))
        if (make !== handles['exchanged token']) expect((await use()).status).toBe(400)
      },
    )
  })

test.each(Object.entries(handles))('a %s of an active account gives tokens once more', async (_, make) => {
  const op = await provider()
  expect((await (await make(op))()).status).toBe(200)
})

describe('of a redirect URI that was removed from the client', () => {
  const [kept, removed] = ['https://rp.example/kept', 'https://rp.example/removed']
  const start = async () => {
    const op = await provider()
    const client = await operatorClient(op, {
      client_id: 'rp',
      redirect_uris: [kept, removed],
    })
    const remove = async () => {
      await Client.update(op.context, 'rp', (current) => ({ ...current, redirect_uris: [kept] }))
      op.clock.advance(1_100) // a client is cached for a second
    }
    return { op, client, remove }
  }

  test('a code gives nothing, and that of another URI gives tokens', async () => {
    const { op, client, remove } = await start()
    const from = (redirect_uri: string) => ({ ...client, redirect_uri })
    const who = browser(op)
    const [one, other] = [await authorize(op, who, from(removed)), await authorize(op, who, from(kept))]
    await remove()
    expect(await redeem(op, from(removed), one)).toMatchObject({
      status: 400,
      body: { error: 'invalid_grant' },
    })
    expect((await redeem(op, from(kept), other)).status).toBe(200)
  })

  test('an open page and a pushed request give no code', async () => {
    const { op, client, remove } = await start()
    const { url, params } = authorizationUrl(op.issuer, { ...client, redirect_uri: removed })
    const who = browser(op)
    const login = (await who.open(url)).page!
    const consent = (await who.press(login, 'login', alice)).page!
    const fields = Object.fromEntries(
      Object.entries(params).filter((each): each is [string, string] => !!each[1]),
    )
    const { body } = await post(op, '/par', client, fields)
    expect(typeof body.request_uri).toBe('string')
    await remove()
    const landing = await who.press(consent, 'allow')
    expect([landing.location, landing.page!.status]).toEqual([undefined, 400])
    const query = new URLSearchParams({ client_id: 'rp', request_uri: String(body.request_uri) })
    const pushed = await browser(op).open(`/authorize?${query}`)
    expect([pushed.location, pushed.page!.status]).toEqual([undefined, 400])
  })

  test('a native client keeps its loopback port', async () => {
    const op = await provider()
    const registered = 'http://127.0.0.1/callback'
    const native = await operatorClient(op, {
      client_id: 'native',
      application_type: 'native',
      redirect_uris: [registered],
    })
    const client = { ...native, redirect_uri: 'http://127.0.0.1:51004/callback' }
    expect((await redeem(op, client, await authorize(op, browser(op), client))).status).toBe(200)
  })
})

describe('after a denial', () => {
  test('neither the same page, nor the address that continues, nor Back gives a code', async () => {
    const op = await provider()
    const who = browser(op)
    const { url } = authorizationUrl(op.issuer, demo)
    const consent = (await who.press((await who.open(url)).page!, 'login', alice)).page!
    const codes = async () => (await Grant.listOfUser(op.context, sub)).length
    expect((await who.press(consent, 'deny')).location?.searchParams.get('error')).toBe('access_denied')
    for (const landing of [
      await who.press(consent, 'allow'),
      await who.open(`/authorize/resume${new URL(consent.url).search}`),
    ])
      expect(landing.location?.searchParams.get('error')).toBe('access_denied')
    const back = await who.open(consent.url)
    const again = back.page ? await who.press(back.page, 'allow') : back
    expect(again.location?.searchParams.get('error')).toBe('access_denied')
    expect(await codes()).toBe(0)
  })
})
