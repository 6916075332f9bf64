/** Export of everything that is kept about an End-User, and deletion of the account after a grace period. https://www.rfc-editor.org/rfc/rfc9470 */
import { describe, expect, test } from 'bun:test'
import { buildTable, featureEntries, featuresFor } from '../../src/table.ts'
import { loadConfig } from '../../src/config.ts'
import { Consent } from '../../src/models/consent.ts'
import { Event } from '../../src/models/event.ts'
import { Grant } from '../../src/models/grant.ts'
import { Session } from '../../src/models/session.ts'
import { User } from '../../src/models/user.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { authorizationUrl, claimsOf, demo, type Json } from '../support/client.ts'
import {
  bearer,
  browser,
  operatorClient,
  outcome,
  read,
  refresh,
  tokensOf,
  userinfo,
} from '../support/flow.ts'
import { mailsOf } from '../support/mailbox.ts'
import { sizedStore, failingStore } from '../support/odd_stores.ts'
import { alice, bob, type Page, type Person } from '../support/person.ts'
import { type Provider, provider, turnableClock } from '../support/provider.ts'

const day = 86_400_000
const minute = 60_000

/** All mails in one text, because mails of the same time have no order. */
const mailTexts = async (op: Provider) => (await mailsOf(op)).map(({ text }) => text).join('\n')

async function signIn(who: Person, account = alice): Promise<Page> {
  const { page } = await who.open('/login')
  return (await who.press(page!, 'login', account)).page!
}

const find = (op: Provider, username = 'alice') => User.findByUsername(op.context, username)
const pathOf = (page: Page | undefined) => new URL(page!.url).pathname

/** One run of the job that erases accounts. */
const turn = (op: Provider) =>
  op.context.table.jobs.find(({ name }) => name === 'account_deletions')!.run(op.context)

async function requestDeletion(who: Person, confirmation = 'alice'): Promise<Page> {
  const { page } = await who.open('/account/data/delete')
  return (await who.press(page!, 'delete', { confirmation })).page!
}

/** A client of the operator's that may ask for both, and a token for alice. */
async function holder(
  op: Provider,
  who: Person,
  scope = 'openid data_export account_delete',
  more: Json = {},
) {
  const client = await operatorClient(op, {
    client_id: 'cloud',
    client_name: 'Cloud backup',
    scope: 'openid profile offline_access data_export account_delete',
    ...more,
  })
  return { client, ...(await tokensOf(op, who, client, { scope })) }
}

describe('a copy', () => {
  test('of everything, as a file, after a fresh sign-in', async () => {
    const op = await provider()
    const who = browser(op)
    await tokensOf(op, who)
    const page = (await who.open('/account/data')).page!
    const file = (await who.press(page, 'download')).page!
    expect(file.headers.get('content-disposition')).toBe('attachment; filename="account-data.json"')
    expect(file.headers.get('cache-control')).toBe('no-store')
    const { sub, data, issuer } = JSON.parse(file.html) as {
      sub: string
      issuer: string
      data: Record<string, unknown>
    }
    expect([issuer, sub]).toEqual([op.issuer, (await find(op))!.sub])
    expect(Object.keys(data)).toEqual(
      expect.arrayContaining(op.context.table.personData.map(({ name }) => name)),
    )
    expect(data.profile).toMatchObject({ username: 'alice', claims: { email: 'alice@example.com' } })
    expect(data.consents).toMatchObject([
      { client_id: demo.client_id, scope: ['openid', 'profile', 'email'] },
    ])
    expect(data.grants).toMatchObject([{ client_id: demo.client_id }])
    expect(data.sessions).toMatchObject([{ address: '127.0.0.1', clients: [demo.client_id] }])
    expect(data.activity).toMatchObject([{ kind: 'signed_in', address: '127.0.0.1' }])
    expect(await mailTexts(op)).toContain('A copy of your data was downloaded')
  })

  test('an old sign-in must be renewed first', async () => {
    const op = await provider()
    const who = browser(op)
    await signIn(who)
    op.clock.advance(11 * minute)
    const page = (await who.open('/account/data')).page!
    expect(pathOf((await who.press(page, 'download')).page)).toBe('/login')
  })

  test('for a client with the consent of the End-User', async () => {
    const op = await provider()
    const who = browser(op)
    const { access_token } = await holder(op, who)
    for (let copy = 0; copy < 3; copy++) {
      const { status, body } = await read(await op.fetch('/user/data-export', bearer(access_token)))
      expect(status).toBe(200)
      expect(body.data).toMatchObject({ profile: { username: 'alice' } })
    }
    const told = (await mailsOf(op)).filter(({ text }) =>
      text.includes('The app Cloud backup downloaded a copy'),
    )
    expect(told).toHaveLength(1)
  })

  test('the consent page says what that is, and the scopes are in discovery', async () => {
    const op = await provider()
    const who = browser(op)
    await signIn(who)
    const client = await operatorClient(op, {
      client_id: 'cloud',
      scope: 'openid data_export account_delete',
    })
    const { url } = authorizationUrl(op.issuer, client, { scope: 'openid data_export account_delete' })
    const { page } = await who.open(url)
    expect(page!.html).toContain('Download a copy of all your data')
    expect(page!.html).toContain('Delete your account, but only right after you sign in')
    const discovery = await read(await op.fetch('/.well-known/openid-configuration'))
    expect(discovery.body.scopes_supported).toEqual(expect.arrayContaining(['data_export', 'account_delete']))
  })

  test('a client with pairwise subjects never gets the local sub', async () => {
    const op = await provider()
    const who = browser(op)
    const { access_token, id_token } = await holder(op, who, undefined, { subject_type: 'pairwise' })
    const { text, body } = await read(await op.fetch('/user/data-export', bearer(access_token)))
    expect(body.sub).toBe(claimsOf(id_token).sub)
    expect(text).not.toContain(`"${(await find(op))!.sub}"`)
  })
})

describe('the end of an account', () => {
  test('a request ends all sessions and tokens at once, and a mail tells the End-User', async () => {
    const op = await provider()
    const [here, phone] = [browser(op), browser(op)]
    await signIn(here)
    const tokens = await tokensOf(op, phone, demo, { scope: 'openid offline_access' })
    const page = await requestDeletion(here)
    expect(pathOf(page)).toBe('/account/deleted')
    expect(page.html).toContain('You can change your mind for 14 days')
    for (const who of [here, phone]) expect(pathOf((await who.open('/account')).page)).toBe('/login')
    expect((await userinfo(op, tokens.access_token)).status).toBe(401)
    expect((await refresh(op, demo, tokens.refresh_token)).body.error).toBe('invalid_grant')
    expect(await mailTexts(op)).toContain('To keep it, sign in again')
  })

  test('needs the username, typed; a wrong one is said beside the field and kept', async () => {
    const op = await provider()
    const who = browser(op)
    await signIn(who)
    const page = await requestDeletion(who, 'alicia')
    expect(page.status).toBe(400)
    expect(page.html).toContain('That isn’t your username')
    expect(page.html).toContain('aria-invalid="true"')
    expect(page.html).toContain('value="alicia"')
    expect((await find(op))!.leaving_at).toBeUndefined()
    expect(pathOf(await requestDeletion(who, ' ALICE '))).toBe('/account/deleted')
  })

  test('needs a fresh sign-in', async () => {
    const op = await provider()
    const who = browser(op)
    await signIn(who)
    const { page } = await who.open('/account/data/delete')
    op.clock.advance(11 * minute)
    expect(pathOf((await who.press(page!, 'delete', { confirmation: 'alice' })).page)).toBe('/login')
    expect((await find(op))!.leaving_at).toBeUndefined()
  })

  test('a sign-in during the grace period offers only to keep the account', async () => {
    const op = await provider()
    const who = browser(op)
    await signIn(who)
    await requestDeletion(who)
    const asked = await signIn(who)
    expect(pathOf(asked)).toBe('/login/keep_account')
    expect(await outcome(op, who)).toBe('login')
    expect(pathOf((await who.open('/account')).page)).toBe('/login')
    const gone = (await who.press(asked, 'go')).page!
    expect(pathOf(gone)).toBe('/account/deleted')
    expect((await find(op))!.leaving_at).toBeDefined()
    const kept = (await who.press(await signIn(who), 'keep')).page!
    expect(pathOf(kept)).toBe('/account')
    expect((await find(op))!.leaving_at).toBeUndefined()
    expect(await mailTexts(op)).toContain('will no longer be deleted')
    op.clock.advance(15 * day)
    await turn(op)
    expect(await find(op)).toBeDefined()
  })

  test('after the grace period no data is left, and the sub is never used again', async () => {
    const clock = turnableClock()
    const counting = sizedStore(memoryStore(clock))
    const op = await provider({ clock, store: counting.store })
    const who = browser(op)
    await tokensOf(op, who, demo, { scope: 'openid offline_access' })
    const user = (await find(op))!
    await requestDeletion(who)
    await turn(op)
    expect(await find(op)).toBeDefined() // not yet
    clock.advance(14 * day + 1000)
    await turn(op)
    expect(await User.find(op.context, user.sub)).toBeUndefined()
    expect([
      await Consent.find(op.context, user.sub, demo.client_id),
      await Grant.listOfUser(op.context, user.sub),
      await Session.listOfUser(op.context, user.sub),
      await Event.listOfUser(op.context, user.sub),
    ]).toEqual([undefined, [], [], []])
    expect(await mailTexts(op)).toContain('As you requested, we deleted your account')
    const named = counting.keys().filter((key) => key.includes(user.sub))
    expect(named).toEqual([])
    expect(await User.create(op.context, { ...user, username: 'somebody' })).toBe(false)
    expect((await signIn(who)).status).toBe(401)
  })

  test('its name and its address are free again', async () => {
    const op = await provider({ env: { ACCOUNT_DELETION_GRACE: '0' } })
    const who = browser(op)
    await signIn(who)
    const { sub: _, ...rest } = (await find(op))!
    expect((await requestDeletion(who)).html).toContain('This can’t be undone')
    op.clock.advance(minute)
    await turn(op)
    expect(await User.create(op.context, { ...rest, sub: 'another' })).toBe(true)
  })

  test('after a failure at any step the deletion is resumed', async () => {
    const clock = turnableClock()
    for (let passing = 0; passing < 60; passing += 4) {
      const failing = failingStore(memoryStore(clock))
      const op = await provider({
        clock,
        store: failing.store,
        env: { ACCOUNT_DELETION_GRACE: '0', LOG_LEVEL: 'error' },
      })
      const who = browser(op)
      await tokensOf(op, who)
      const { sub } = (await find(op))!
      await requestDeletion(who)
      clock.advance(minute)
      failing.failAfter(passing)
      await turn(op).catch(() => {})
      failing.recover()
      for (let later = 0; later < 2; later++) {
        clock.advance(11 * minute)
        await turn(op)
      }
      expect([passing, await User.find(op.context, sub), await Event.listOfUser(op.context, sub)]).toEqual([
        passing,
        undefined,
        [],
      ])
      expect(await op.context.store.range('account_deletions')).toEqual([])
    }
  }, 60_000)

  test('a cancellation after the erasure has begun is refused', async () => {
    const clock = turnableClock()
    const failing = failingStore(memoryStore(clock))
    const op = await provider({ clock, store: failing.store, env: { ACCOUNT_DELETION_GRACE: '60' } })
    const who = browser(op)
    await signIn(who)
    await requestDeletion(who)
    const offer = await signIn(who)
    clock.advance(minute)
    failing.failAfter(4) // the account is claimed for the erasure, and nothing of it is erased
    await turn(op).catch(() => {})
    failing.recover()
    expect((await find(op))!.disabled).toBe(false)
    const refused = (await who.press(offer, 'keep')).page!
    expect(refused.status).toBe(403)
    expect(refused.html).toContain('<code dir="ltr">account_being_deleted</code>')
    expect((await find(op))!.leaving_at).toBeDefined()
  })

  test('one of several instances erases, and a concurrent cancellation succeeds or fails completely', async () => {
    const clock = turnableClock()
    const store = memoryStore(clock)
    const both = [await provider({ clock, store }), await provider({ clock, store })]
    const [op] = both
    const who = browser(op!)
    await signIn(who)
    await requestDeletion(who)
    const asked = await signIn(who)
    clock.advance(14 * day + 1000)
    const again = await signIn(who)
    const [, kept] = await Promise.all([
      Promise.all(Array.from({ length: 20 }, (_, i) => turn(both[i % 2]!))),
      who.press(again, 'keep'),
    ])
    expect(pathOf(asked)).toBe('/login/keep_account')
    const there = await find(op!)
    if (there) expect([there.leaving_at, there.disabled]).toEqual([undefined, false])
    else expect(pathOf(kept.page)).not.toBe('/account')
    expect((await mailsOf(op!)).filter(({ subject }) => subject === 'Your account was deleted').length).toBe(
      there ? 0 : 1,
    )
  })
})

describe('deletion requested by a client', () => {
  const remove = async (op: Provider, token: string) =>
    read(await op.fetch('/user/delete-account', { method: 'DELETE', ...bearer(token) }))

  test('with the scope and a recent sign-in: 202, and all sessions and tokens end', async () => {
    const op = await provider()
    const who = browser(op)
    const { access_token } = await holder(op, who)
    const { status, body } = await remove(op, access_token)
    expect(status).toBe(202)
    expect(Date.parse(String(body.erased_at)) - op.clock.now()).toBeGreaterThan(13 * day)
    expect((await remove(op, access_token)).status).toBe(401)
    expect(pathOf((await who.open('/account')).page)).toBe('/login')
    expect(await mailTexts(op)).toContain('as requested by the app Cloud backup')
  })

  test('with an old sign-in: insufficient_user_authentication and how fresh it must be', async () => {
    const op = await provider()
    const { access_token } = await holder(op, browser(op))
    op.clock.advance(11 * minute)
    const { status, body, headers } = await remove(op, access_token)
    expect([status, body.error]).toEqual([401, 'insufficient_user_authentication'])
    expect(headers.get('www-authenticate')).toContain('error="insufficient_user_authentication"')
    expect(headers.get('www-authenticate')).toContain('max_age="600"')
    expect((await find(op))!.leaving_at).toBeUndefined()
  })

  test('20 concurrent requests count as one', async () => {
    const op = await provider()
    const { access_token } = await holder(op, browser(op))
    const answers = await Promise.all(Array.from({ length: 20 }, () => remove(op, access_token)))
    for (const { status } of answers) expect([202, 401]).toContain(status)
    expect(answers.map(({ status }) => status)).toContain(202)
    expect((await mailsOf(op)).filter(({ text }) => text.includes('will be deleted'))).toHaveLength(1)
  })

  test('without the scope, or with one for something else: 403', async () => {
    const op = await provider()
    const { access_token } = await holder(op, browser(op), 'openid data_export')
    expect((await remove(op, access_token)).body.error).toBe('insufficient_scope')
    expect((await remove(op, 'nothing')).status).toBe(401)
    const plain = await tokensOf(op, browser(op))
    expect((await remove(op, plain.access_token)).body.error).toBe('insufficient_scope')
    expect((await read(await op.fetch('/user/data-export', bearer(plain.access_token)))).status).toBe(403)
  })
})

test('the account of another End-User is not affected', async () => {
  const op = await provider({ env: { ACCOUNT_DELETION_GRACE: '0' } })
  const [hers, his] = [browser(op), browser(op)]
  await signIn(hers)
  const tokens = await tokensOf(op, his, demo, {}, bob)
  await requestDeletion(hers)
  op.clock.advance(minute)
  await turn(op)
  expect((await userinfo(op, tokens.access_token)).status).toBe(200)
  expect(pathOf((await his.open('/account')).page)).toBe('/account')
})

test('data of a feature that was switched off is exported and erased too', async () => {
  const all = (await provider()).context.table.personData.map(({ name }) => name)
  const op = await provider({ env: { PASSKEYS: 'false', ACCOUNT_DATA: 'export' } })
  expect(op.context.table.features).not.toContain('passkeys')
  expect(op.context.table.personData.map(({ name }) => name).sort()).toEqual(all.sort())
  expect(all).toContain('passkeys')
})

test('ACCOUNT_DATA switches off either: no page, endpoint or scope; earlier deletions can still be cancelled', async () => {
  const names = (env: Record<string, string>) => {
    const config = loadConfig(env, { featureEntries })
    return buildTable(featuresFor(config)).endpoints.map(({ path }) => path)
  }
  expect(names({ ACCOUNT_DATA: 'export' })).toContain('/user/data-export')
  expect(names({ ACCOUNT_DATA: 'export' })).not.toContain('/account/data/delete')
  expect(names({ ACCOUNT_DATA: 'delete' })).not.toContain('/user/data-export')
  expect(names({ ACCOUNT_DATA: 'delete' })).toContain('/login/keep_account')
})
