/** Realms: providers of their own in one process, each with the whole of the protocol at an issuer below /realms. */
import { beforeAll, describe, expect, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { decodeJwt } from 'jose'
import { systemClock } from '../../src/lib/clock.ts'
import { User } from '../../src/models/user.ts'
import { hashPassword } from '../../src/people/password.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { sqliteStore } from '../../src/store/sqlite.ts'
import { demo, type TestClient } from '../support/client.ts'
import {
  authorize,
  browser,
  operatorClient,
  post,
  read,
  redeem,
  refresh,
  tokensOf,
  userinfo,
} from '../support/flow.ts'
import { type Provider, provider } from '../support/provider.ts'
import { openRealm, quickKeys, realmOf, withRealms } from '../support/realms.ts'

const json = async (op: Provider, path: string) => (await read(await op.fetch(path))).body

describe('discovery', () => {
  let op: Provider
  beforeAll(async () => {
    op = await withRealms({ env: { ISSUER_URL: 'http://localhost:5000/base' } })
    await realmOf(op, 'class-7')
  })

  test('both well-known forms describe the realm, and no other path of the server does', async () => {
    const issuer = 'http://localhost:5000/base/realms/class-7'
    const appended = await json(op, `${issuer}/.well-known/openid-configuration`)
    expect(appended.issuer).toBe(issuer)
    expect(appended.token_endpoint).toBe(`${issuer}/token`)
    const origin = 'http://localhost:5000'
    for (const document of ['openid-configuration', 'oauth-authorization-server'])
      expect(await json(op, `${origin}/.well-known/${document}/base/realms/class-7`)).toMatchObject({
        issuer,
      })
    const own = await json(op, `${op.issuer}/.well-known/openid-configuration`)
    expect(own.issuer).toBe('http://localhost:5000/base')
    for (const path of ['/realms/class-7/token', '/.well-known/openid-configuration/realms/class-7'])
      expect((await op.fetch(`${origin}${path}`)).status).toBe(404)
  })

  test('its keys are its own', async () => {
    const kids = async (issuer: string) =>
      ((await json(op, `${issuer}/.well-known/jwks.json`)).keys as { kid: string }[]).map(({ kid }) => kid)
    const realm = await kids(`${op.issuer}/realms/class-7`)
    const root = await kids(op.issuer)
    expect(realm).toHaveLength(1)
    expect(root.filter((kid) => realm.includes(kid))).toEqual([])
  })
})

test('a code flow, a refresh and userinfo in a realm', async () => {
  const op = await withRealms()
  const realm = await realmOf(op, 'a')
  const who = browser(realm)
  const tokens = await tokensOf(realm, who, demo, { scope: 'openid profile offline_access' })
  expect(decodeJwt(tokens.id_token).iss).toBe(`${op.issuer}/realms/a`)
  expect(decodeJwt(tokens.access_token)).toMatchObject({ iss: realm.issuer, aud: realm.issuer })
  expect((await userinfo(realm, tokens.access_token)).body).toMatchObject({ sub: 'user-alice' })
  const again = await refresh(realm, demo, tokens.refresh_token)
  expect(again.status).toBe(200)
})

test('one client id and one username in two realms and the server: each secret and each password at its own place alone', async () => {
  const op = await withRealms({ env: { SIGN_IN_ATTEMPTS_PER_ACCOUNT: '100' } })
  const places = [op, await realmOf(op, 'a'), await realmOf(op, 'b')]
  const clients: TestClient[] = []
  for (const [i, place] of places.entries()) {
    clients.push(
      await operatorClient(place, {
        client_id: 'same',
        grant_types: ['client_credentials'],
        scope: 'profile',
      }),
    )
    await makeUser(place, { sub: `carol-${i}`, username: 'carol', password: `password of carol ${i}` })
  }
  const grant_type = 'client_credentials'
  for (const [i, place] of places.entries())
    for (const [j, client] of clients.entries()) {
      expect((await post(place, '/token', client, { grant_type })).status).toBe(i === j ? 200 : 401)
      const account = { username: 'carol', password: `password of carol ${j}` }
      const signedIn = tokensOf(place, browser(place), demo, {}, account).then(
        ({ id_token }) => decodeJwt(id_token).sub,
        () => 'refused',
      )
      expect(await signedIn).toBe(i === j ? `carol-${j}` : 'refused')
    }
})

test('without REALMS there is none, and the path is like any other', async () => {
  const op = await provider({ env: { REALMS: 'false' } })
  expect([op.realms, op.context.realms]).toEqual([undefined, undefined])
  const [missing, other] = await Promise.all([
    op.fetch('/realms/a/.well-known/jwks.json'),
    op.fetch('/nothing/a/.well-known/jwks.json'),
  ])
  expect([missing.status, other.status]).toEqual([404, 404])
})

test('a realm has no realms of its own, and no metrics', async () => {
  const op = await withRealms()
  const realm = await realmOf(op, 'a')
  expect(realm.context.realms).toBeUndefined()
  expect((await realm.fetch(`${realm.issuer}/realms/a/.well-known/jwks.json`)).status).toBe(404)
  expect([(await op.fetch('/metrics')).status, (await realm.fetch('/metrics')).status]).toEqual([200, 404])
  expect((await realm.fetch('/health')).status).toBe(200)
})

describe('a change', () => {
  test('of a setting is in force at once, and what was issued before goes on', async () => {
    const op = await withRealms()
    const realm = await realmOf(op, 'a')
    const tokens = await tokensOf(realm, browser(realm))
    await op.context.realms!.update('a', (current) => ({
      ...current,
      settings: { ...current.settings, ACCESS_TOKEN_TTL: '77' },
    }))
    expect((await userinfo(realm, tokens.access_token)).status).toBe(200)
    expect((await tokensOf(realm, browser(realm))).expires_in).toBe(77)
  })

  test('to a bad value is refused with the words of the server, and changes nothing', async () => {
    const op = await withRealms()
    await realmOf(op, 'a')
    const change = op.context.realms!.update('a', (current) => ({
      ...current,
      settings: { ACCESS_TOKEN_TTL: 'soon' },
    }))
    expect(String(await change.catch((error: unknown) => error))).toContain('ACCESS_TOKEN_TTL: ')
    expect((await op.context.realms!.find('a'))?.settings).toEqual(quickKeys)
  })

  test('disabled, ended and removed: 404 as for a path that is not served; enabled again: as it was', async () => {
    const op = await withRealms()
    const realm = await realmOf(op, 'a')
    const disable = (disabled: boolean) =>
      op.context.realms!.update('a', (current) => ({ ...current, disabled }))
    const tokens = await tokensOf(realm, browser(realm))
    const none = await (await op.fetch('/realms/none/.well-known/jwks.json')).text()
    await disable(true)
    const answer = await op.fetch('/realms/a/.well-known/jwks.json')
    expect(answer.status).toBe(404)
    expect((await answer.text()).replace('/realms/a/', '/realms/none/')).toBe(none)
    await disable(false)
    expect((await userinfo(realm, tokens.access_token)).status).toBe(200)
    await op.context.realms!.update('a', (current) => ({
      ...current,
      ends_at: Math.floor(op.clock.now() / 1000) + 60,
    }))
    expect((await realm.fetch('/.well-known/jwks.json')).status).toBe(200)
    op.clock.advance(60_000)
    expect((await realm.fetch('/.well-known/jwks.json')).status).toBe(404)
    expect(await op.context.realms!.remove('a')).toBe(true)
    expect((await realm.fetch('/.well-known/jwks.json')).status).toBe(404)
  })
})

test('a realm that comes again under its name knows nothing of the one before', async () => {
  const op = await withRealms()
  const first = await realmOf(op, 'a')
  const tokens = await tokensOf(first, browser(first))
  await op.context.realms!.remove('a')
  const second = await realmOf(op, 'a', { demo: false })
  expect((await userinfo(second, tokens.access_token)).status).toBe(401)
  expect((await post(second, '/token', demo, { grant_type: 'client_credentials' })).body.error).toBe(
    'invalid_client',
  )
})

test('the least recently used realm leaves the memory, and comes back as it was', async () => {
  const store = memoryStore(systemClock)
  const op = await withRealms({ mostRealms: 3, store })
  const first = await realmOf(op, 'r0')
  const tokens = await tokensOf(first, browser(first))
  for (let i = 1; i < 8; i++) {
    const realm = await realmOf(op, `r${i}`)
    expect((await realm.fetch('/.well-known/jwks.json')).status).toBe(200)
  }
  expect((await userinfo(first, tokens.access_token)).status).toBe(200)
  expect((await openRealm(op, 'r0')).context).not.toBe(first.context)
})

test('two servers on one store: a realm of one is answered by the other, with the same keys', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-realms-'))
  const path = join(folder, 'a.db')
  const [one, other] = await Promise.all(
    [1, 2].map(() => withRealms({ store: sqliteStore(path, systemClock) })),
  )
  const realm = await realmOf(one!, 'a')
  const tokens = await tokensOf(realm, browser(realm))
  const there = await openRealm(other!, 'a')
  expect((await userinfo(there, tokens.access_token)).status).toBe(200)
  const code = await authorize(realm, browser(realm))
  const redeemed = await Promise.all([redeem(realm, demo, code), redeem(there, demo, code)])
  expect(redeemed.filter(({ status }) => status === 200)).toHaveLength(1)
  await Promise.all([one, other].map((op) => op!.context.store.close()))
  rmSync(folder, { recursive: true })
})

async function makeUser(
  place: Provider,
  { password, ...user }: { sub: string; username: string; password: string },
): Promise<void> {
  const now = Math.floor(place.clock.now() / 1000)
  const rest = { password_hash: await hashPassword(password), claims: {}, disabled: false }
  expect(await User.create(place.context, { ...user, ...rest, created_at: now, updated_at: now })).toBe(true)
}

test('a realm has the lab although the server has none, and its recorder hears its own requests', async () => {
  const op = await withRealms()
  const [lab, plain] = [await realmOf(op, 'lab', { settings: { LAB: 'true' } }), await realmOf(op, 'plain')]
  await tokensOf(plain, browser(plain))
  await tokensOf(lab, browser(lab))
  expect([op.context.recorder, plain.context.recorder]).toEqual([undefined, undefined])
  const flows = lab.context.recorder!.flows.list()
  expect(JSON.stringify(flows)).toContain('/realms/lab/token')
  expect(JSON.stringify(flows)).not.toContain('/realms/plain')
  const statuses = await Promise.all(
    [lab, plain, op].map(async (place) => (await place.fetch('/lab')).status),
  )
  expect(statuses).toEqual([200, 404, 404])
})
