/** Back-channel logout: who is told what, at least once, and what a client that is down, slow or hostile can do. https://openid.net/specs/openid-connect-backchannel-1_0.html */
import { afterAll, afterEach, describe, expect, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { compactDecrypt, exportJWK, generateKeyPair } from 'jose'
import { deliverDue, metadata } from '../../src/features/backchannel_logout/deliver.ts'
import { claimDue, enqueue } from '../../src/features/backchannel_logout/outbox.ts'
import { endEverything } from '../../src/people/end_session.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { Client } from '../../src/models/client.ts'
import { Session } from '../../src/models/session.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { sqliteStore } from '../../src/store/sqlite.ts'
import { claimsOf, type ClientMembers, headerOf, type Json } from '../support/client.ts'
import {
  authorize,
  bob,
  browser,
  operatorClient,
  outcome,
  read,
  refresh,
  tokensOf,
  userinfo,
} from '../support/flow.ts'
import { type Listener, listener } from '../support/listener.ts'
import { until } from '../support/until.ts'
import { failingStore } from '../support/odd_stores.ts'
import type { Person } from '../support/person.ts'
import { provider, type Provider, type ProviderOptions, turnableClock } from '../support/provider.ts'

const [app, other] = [listener(), listener()]
const hosts = `${app.hostPort},${other.hostPort}`
afterEach(() => {
  for (const each of [app, other]) {
    each.heard.splice(0)
    each.answerWith(200)
  }
})
afterAll(() => {
  app.stop()
  other.stop()
})

const start = ({ env, ...more }: ProviderOptions = {}) =>
  provider({ env: { OUTBOUND_ALLOW_HOSTS: hosts, OUTBOUND_TIMEOUT_MS: '1500', ...env }, ...more })

/** A client that is told at `where`. */
const toldClient = (op: Provider, client_id: string, where: Listener, more: ClientMembers = {}) =>
  operatorClient(op, { client_id, backchannel_logout_uri: `${where.origin}/${client_id}`, ...more })

async function signOut(who: Person) {
  const { page } = await who.open('/logout')
  return (await who.press(page!, 'logout')).page!
}

/** One turn of the job, to its end. */
const deliver = async (op: Provider) => {
  await Promise.all(await deliverDue(op.context))
}

describe('the logout token', () => {
  test('to each client of the session that asked to be told: person, session, event, and no nonce', async () => {
    const op = await start()
    const who = browser(op)
    const clients = [
      await toldClient(op, 'one', app),
      await toldClient(op, 'two', other, { id_token_signed_response_alg: 'ES256' }),
    ]
    await toldClient(op, 'never used', app)
    const idTokens = [
      await tokensOf(op, who, clients[0]),
      await tokensOf(op, who, clients[1]),
      await tokensOf(op, who),
    ].map(({ id_token }) => claimsOf(id_token))
    await signOut(who)
    await deliver(op)
    expect(app.heard.map(({ path }) => path)).toEqual(['/one'])
    expect(other.heard.map(({ path }) => path)).toEqual(['/two'])
    for (const [at, { heard }] of [app, other].entries()) {
      const { method, headers, form } = heard[0]!
      expect([method, headers.get('content-type')]).toEqual(['POST', 'application/x-www-form-urlencoded'])
      expect(Object.keys(form)).toEqual(['logout_token'])
      const claims = (await op.context.keys.verify(form.logout_token!, { typ: 'logout+jwt' }))!
      expect(claims).toEqual({
        iss: op.issuer,
        aud: clients[at]!.client_id,
        sub: idTokens[at]!.sub,
        sid: idTokens[at]!.sid,
        iat: Math.floor(op.clock.now() / 1000),
        exp: Math.floor(op.clock.now() / 1000) + 120,
        jti: expect.stringMatching(/^[\w-]{20}$/),
        events: { 'http://schemas.openid.net/event/backchannel-logout': {} },
      })
    }
    expect(headerOf(other.heard[0]!.form.logout_token)).toMatchObject({ alg: 'ES256', typ: 'logout+jwt' })
    await deliver(op)
    expect(app.heard).toHaveLength(1) // told once when it answers
  })

  test('names the person as the client knows them', async () => {
    const op = await start()
    const who = browser(op)
    const client = await toldClient(op, 'pairwise', app, {
      subject_type: 'pairwise',
      redirect_uris: ['https://app.example/callback'],
    })
    const { id_token } = await tokensOf(op, who, client)
    const open = claimsOf((await tokensOf(op, who)).id_token)
    await signOut(who)
    await deliver(op)
    const claims = claimsOf(app.heard[0]!.form.logout_token)
    const { sub, sid } = claimsOf(id_token)
    expect({ sub: claims.sub, sid: claims.sid }).toEqual({ sub, sid })
    expect([claims.sub === open.sub, claims.sid === open.sid]).toEqual([false, false])
  })

  test('is encrypted for a client whose ID Tokens are', async () => {
    const op = await start()
    const who = browser(op)
    const { publicKey, privateKey } = await generateKeyPair('ECDH-ES+A128KW')
    const jwk = { ...(await exportJWK(publicKey)), kty: 'EC' as const, kid: 'mine', use: 'enc' }
    const client = await toldClient(op, 'one', app, {
      jwks: { keys: [jwk] },
      id_token_encrypted_response_alg: 'ECDH-ES+A128KW',
    })
    await tokensOf(op, who, client)
    await signOut(who)
    await deliver(op)
    const { plaintext } = await compactDecrypt(app.heard[0]!.form.logout_token!, privateKey)
    const jwt = new TextDecoder().decode(plaintext)
    expect(await op.context.keys.verify(jwt, { typ: 'logout+jwt' })).toMatchObject({ aud: 'one' })
  })

  test('is good for nothing else: no hint, no access, no subject token', async () => {
    const op = await start()
    const who = browser(op)
    await tokensOf(op, who, await toldClient(op, 'one', app))
    await signOut(who)
    await deliver(op)
    const token = app.heard[0]!.form.logout_token!
    expect((await userinfo(op, token)).status).toBe(401)
    const hinted = await read(await op.fetch(`/logout?id_token_hint=${token}`))
    expect(hinted.status).toBe(400)
    expect(await outcome(op, browser(op), { id_token_hint: token, prompt: 'none' })).toBe(
      'error:invalid_request',
    )
  })

  test('its sid is that of every ID Token of the session, refreshed ones too', async () => {
    const op = await start()
    const who = browser(op)
    const client = await toldClient(op, 'one', app)
    const first = await tokensOf(op, who, client, { scope: 'openid offline_access', prompt: 'consent' })
    const { body } = await refresh(op, client, first.refresh_token)
    await authorize(op, who, client, { prompt: 'login' }) // the same person again: the session goes on
    const again = await tokensOf(op, who, client)
    await signOut(who)
    await deliver(op)
    const { sid } = claimsOf(app.heard[0]!.form.logout_token)
    for (const token of [first.id_token, body.id_token, again.id_token]) expect(claimsOf(token).sid).toBe(sid)
    // offline_access outlives the session (§2.7), and still says which one it came from.
    const late = await refresh(op, client, String(body.refresh_token))
    expect(claimsOf(late.body.id_token).sid).toBe(sid)
  })
})

describe('whatever ends a session tells of it', () => {
  test('an operator, and somebody else who signs in at the same browser', async () => {
    const op = await start()
    const client = await toldClient(op, 'one', app)
    const [first, second] = [browser(op), browser(op)]
    const { sub } = claimsOf((await tokensOf(op, first, client)).id_token)
    await tokensOf(op, second, client)
    await endEverything(String(sub), op.context)
    await deliver(op)
    expect(new Set(app.heard.map(({ form }) => claimsOf(form.logout_token).sid)).size).toBe(2)
    const { id_token } = await tokensOf(op, first, client)
    await tokensOf(op, first, client, { prompt: 'login' }, bob)
    await deliver(op)
    expect(app.heard).toHaveLength(3)
    expect(claimsOf(app.heard[2]!.form.logout_token)).toMatchObject({ sub, sid: claimsOf(id_token).sid })
  })

  test('twenty clicks at once are one end', async () => {
    const op = await start()
    const who = browser(op)
    const { id_token } = await tokensOf(op, who, await toldClient(op, 'one', app))
    const headers = { cookie: `latchkey_session=${who.cookies.get('latchkey_session')}` }
    const url = `/logout?id_token_hint=${id_token}`
    await Promise.all(Array.from({ length: 20 }, () => op.fetch(url, { headers })))
    await deliver(op)
    await deliver(op)
    expect(app.heard).toHaveLength(1)
  })
})

describe('at least once', () => {
  test('a client that answers 500 hears again, ever later, with a fresh token, until it takes it', async () => {
    const op = await start()
    const who = browser(op)
    await tokensOf(op, who, await toldClient(op, 'one', app))
    app.answerWith(500)
    await signOut(who)
    for (const wait of [5_000, 10_000, 20_000]) {
      await deliver(op)
      const before = app.heard.length
      op.clock.advance(wait - 1)
      await deliver(op)
      expect(app.heard).toHaveLength(before) // not yet
      op.clock.advance(1)
    }
    app.answerWith(204)
    await deliver(op)
    op.clock.advance(3_600_000)
    await deliver(op)
    expect(app.heard).toHaveLength(4)
    const tokens = app.heard.map(({ form }) => claimsOf(form.logout_token))
    expect(new Set(tokens.map(({ jti }) => jti)).size).toBe(4)
    for (const { iat, exp } of tokens) expect(Number(exp) - Number(iat)).toBeLessThanOrEqual(120)
    expect(Number(tokens[3]!.iat) - Number(tokens[0]!.iat)).toBe(35)
  })

  test('in the end it is given up, says the log, and nothing stays behind', async () => {
    const op = await start({ env: { BACKCHANNEL_LOGOUT_RETRY_FOR: '60' } })
    const who = browser(op)
    await tokensOf(op, who, await toldClient(op, 'one', app))
    app.answerWith(400)
    await signOut(who)
    for (let seconds = 0; seconds < 300; seconds++) {
      await deliver(op)
      op.clock.advance(1_000)
    }
    expect(app.heard.length).toBeGreaterThan(2)
    expect(app.heard.length).toBeLessThan(6)
    expect(op.lines.filter((line) => line.includes('logout_given_up'))).toHaveLength(1)
    expect(await op.context.store.range('logout_outbox')).toEqual([])
  })

  test('the server stops before it has told anybody: the next one tells, from the same file', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'latchkey-logout-'))
    const path = join(folder, 'store.db')
    try {
      const before = await start({ store: sqliteStore(path, systemClock) })
      const who = browser(before)
      await tokensOf(before, who, await toldClient(before, 'one', app))
      await signOut(who)
      await before.context.store.close()
      const after = await start({ store: sqliteStore(path, systemClock) })
      await deliver(after)
      expect(app.heard).toHaveLength(1)
      await after.context.store.close()
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })

  test('one that dies in the middle of a delivery lets go of it in time, and not before', async () => {
    const clock = turnableClock()
    const store = memoryStore(clock)
    const [dying, living] = [await start({ store, clock }), await start({ store, clock })]
    const who = browser(dying)
    await tokensOf(dying, who, await toldClient(dying, 'one', app))
    await signOut(who)
    expect(await claimDue(dying.context, 10_300)).toHaveLength(1)
    clock.advance(10_299)
    await deliver(living)
    expect(app.heard).toHaveLength(0)
    clock.advance(1)
    await deliver(living)
    expect(app.heard).toHaveLength(1)
  })

  test('twenty turns of two instances at once: each delivery is tried once', async () => {
    const clock = turnableClock()
    const store = memoryStore(clock)
    const ops = [await start({ store, clock }), await start({ store, clock })]
    const client = await toldClient(ops[0]!, 'one', app)
    const people = await Promise.all(
      Array.from({ length: 3 }, async () => {
        const who = browser(ops[0]!)
        await tokensOf(ops[0]!, who, client)
        return who
      }),
    )
    for (const who of people) await signOut(who)
    await Promise.all(Array.from({ length: 20 }, (_, i) => deliver(ops[i % 2]!)))
    expect(app.heard).toHaveLength(3)
    expect(new Set(app.heard.map(({ form }) => claimsOf(form.logout_token).sid)).size).toBe(3)
  })

  test('a store that fails while it is written down keeps the session: nobody is signed out in silence', async () => {
    const clock = turnableClock()
    const { store, used, failAfter, recover } = failingStore(memoryStore(clock))
    const op = await start({ store, clock })
    const who = browser(op)
    const { id_token } = await tokensOf(op, who, await toldClient(op, 'one', app))
    const url = `/logout?id_token_hint=${id_token}`
    const headers = { cookie: `latchkey_session=${who.cookies.get('latchkey_session')}` }
    used()
    let refused = 0
    for (let passing = 0; ; passing++) {
      failAfter(passing)
      const { status } = await op.fetch(url, { headers })
      recover()
      if (status === 200) break
      expect(status).toBe(503)
      refused++
      const kept = await Session.find(op.context, String(claimsOf(id_token).sid))
      const written = await store.range('logout_outbox')
      // Whatever fails: the session is there to be ended again, or the word is written down.
      expect(kept !== undefined || written.length === 1).toBe(true)
    }
    expect(refused).toBeGreaterThan(3)
    op.clock.advance(5_000)
    await deliver(op)
    expect(app.heard).toHaveLength(1)
  })
})

describe('one that hangs', () => {
  test('delays neither the person nor the others', async () => {
    const op = await start()
    const who = browser(op)
    await tokensOf(op, who, await toldClient(op, 'hung', app))
    await tokensOf(op, who, await toldClient(op, 'well', other))
    app.answerWith('hang')
    await signOut(who) // it returns although nobody has been told
    const begun = await deliverDue(op.context)
    expect(begun).toHaveLength(2)
    const postponed = () => op.lines.filter((line) => line.includes('logout_postponed'))
    await until(() => other.heard.length === 1 && app.heard.length === 1, 'both to be asked')
    expect(postponed()).toEqual([]) // the one that hangs still hangs
    await Promise.all(begun) // within OUTBOUND_TIMEOUT_MS
    expect(postponed()).toHaveLength(1)
  })

  test('with thousands waiting keeps no one else waiting, and holds four turns', async () => {
    const op = await start()
    await toldClient(op, 'hung', app)
    await toldClient(op, 'well', other)
    app.answerWith('hang')
    const session = { sub: 'someone' } as Session
    const now = { delay: 0, retryFor: 3600 }
    for (let i = 0; i < 2_500; i++) await enqueue(op.context, { ...session, sid: `hung ${i}` }, 'hung', now)
    op.clock.advance(1)
    await enqueue(op.context, { ...session, sid: 'well' }, 'well', now)
    const begun = await deliverDue(op.context)
    expect(begun).toHaveLength(5)
    await Promise.all(begun)
    expect([app.heard.length, other.heard.length]).toEqual([4, 1])
  })
})

describe('a client may be told', () => {
  const register = async (op: Provider, more: Json) =>
    read(
      await op.fetch('/register', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ redirect_uris: ['https://app.example/callback'], ...more }),
      }),
    )

  test('over https, or where the laboratory allows; what is registered is told back', async () => {
    const op = await start()
    for (const backchannel_logout_uri of ['https://app.example/logout?x=1', `${app.origin}/logout`]) {
      const asked = { backchannel_logout_uri, backchannel_logout_session_required: true }
      const { status, body } = await register(op, asked)
      expect(status).toBe(201)
      expect({ ...body }).toMatchObject(asked)
    }
  })

  test.each([
    'http://app.example/logout',
    'http://localhost:1/logout',
    'https://localhost/logout',
    'https://127.0.0.1/logout',
    'https://0x7f.1/logout',
    'https://169.254.169.254/latest/meta-data/',
    'https://[::1]/logout',
    'https://app.example/logout#fragment',
    'https://user@app.example/logout',
    'https://app.example:22/',
    `https://app.example/${'x'.repeat(3_000)}`,
    'javascript:alert(1)',
    '/logout',
    '',
  ])('never at %s', async (backchannel_logout_uri) => {
    const { status, body } = await register(await start(), { backchannel_logout_uri })
    expect([status, body.error]).toEqual([400, 'invalid_client_metadata'])
    expect(body.error_description).toContain('backchannel_logout_uri')
  })

  test('no more once it is gone, or wants it no longer', async () => {
    const op = await start()
    const who = browser(op)
    await tokensOf(op, who, await toldClient(op, 'gone', app))
    await tokensOf(op, who, await toldClient(op, 'quiet', app))
    await signOut(who)
    await Client.remove(op.context, 'gone')
    await Client.update(op.context, 'quiet', (client) =>
      metadata.set(client, { backchannel_logout_uri: undefined }),
    )
    op.clock.advance(2_000)
    await deliver(op)
    expect(app.heard).toHaveLength(0)
    expect(await op.context.store.range('logout_outbox')).toEqual([])
  })
})

test('the pages say who will be told, who is told, and who cannot be', async () => {
  const op = await start()
  const who = browser(op)
  await tokensOf(op, who, await toldClient(op, 'one', app, { client_name: 'Told <b>app</b>' }))
  await tokensOf(op, who)
  const asked = (await who.open('/logout')).page!
  const done = (await who.press(asked, 'logout')).page!
  for (const { html } of [asked, done]) {
    const told = html.indexOf('Told &lt;b&gt;app&lt;/b&gt;')
    const untold = html.indexOf('Demo client')
    expect(told).toBeGreaterThan(-1)
    expect(untold).toBeGreaterThan(html.indexOf('We can’t notify these apps'))
    expect(html.indexOf('We can’t notify these apps')).toBeGreaterThan(told)
  }
  expect(asked.html).toContain('We’ll let these apps know')
  expect(done.html).toContain('We’re letting these apps know')
  // Somebody who is not signed in learns nothing of anybody's applications.
  expect((await browser(op).open('/logout')).page!.html).not.toMatch(/Told|Demo client/)
})

test('discovery offers it', async () => {
  const { body } = await read(await (await start()).fetch('/.well-known/openid-configuration'))
  expect({ ...body }).toMatchObject({
    backchannel_logout_supported: true,
    backchannel_logout_session_supported: true,
  })
})
