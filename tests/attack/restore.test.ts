/** A restore brings back accounts and clients, and nothing that was used, revoked or ended before or after the backup. docs/decisions/0080-backups.md */
import { afterAll, expect, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { make } from '../../src/cli/backup/backup.ts'
import { folderPlace } from '../../src/cli/backup/files.ts'
import { isKept } from '../../src/cli/backup/kinds.ts'
import { restoreFrom } from '../../src/cli/backup/restore.ts'
import type { OpenedPlain } from '../../src/cli/open.ts'
import { createBirth } from '../../src/models/birth.ts'
import { InitialAccessToken } from '../../src/models/initial_access_token.ts'
import { Invitation } from '../../src/models/invitation.ts'
import { User } from '../../src/models/user.ts'
import { memoryStore } from '../../src/store/memory.ts'
import type { Store } from '../../src/store/store.ts'
import { codeOf, pageOf, pathOf, setUpApp, withPassword } from '../support/authenticator.ts'
import { formPost, type TestClient } from '../support/client.ts'
import {
  authorize,
  bob,
  browser,
  introspect,
  operatorClient,
  post,
  read,
  redeem,
  refresh,
  tokensOf,
} from '../support/flow.ts'
import { linkMailed } from '../support/mailbox.ts'
import { answerRequests } from '../../src/features/recovery/job.ts'
import { type Provider, provider, turnableClock } from '../support/provider.ts'

const folder = mkdtempSync(join(tmpdir(), 'latchkey-restore-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const secret = 'a key of backups with 45 characters, at least'
const device_grant = 'urn:ietf:params:oauth:grant-type:device_code'
let files = 0

const plainOf = ({ context }: Provider, plain: Store): OpenedPlain => ({
  config: context.config,
  clock: context.clock,
  log: { ...context.log, setLevel() {} },
  plain,
})

/** A provider with a store that is looked at, and a copy of it that was made and put back. */
async function stage(env: Record<string, string> = {}) {
  const clock = turnableClock()
  const store = memoryStore(clock)
  const op = await provider({ clock, store, env, birth: createBirth({ store, clock, log: quiet }) })
  const path = join(folder, `${files++}.backup`)
  return {
    op,
    store,
    backUp: () =>
      make(plainOf(op, store), {
        secret,
        contents: 'everything',
        place: folderPlace(dirname(path)),
        name: basename(path),
      }),
    /** Another machine: an empty store, and a provider with the same settings. */
    async restored(): Promise<{ op: Provider; store: Store }> {
      const target = memoryStore(clock)
      await restoreFrom(plainOf(op, target), { path, secret, replace: false })
      const birth = createBirth({ store: target, clock, log: quiet })
      return { op: await provider({ clock, store: target, env, birth }), store: target }
    },
  }
}

const quiet = (await provider()).context.log

const kindsIn = async (store: Store): Promise<string[]> => {
  const kinds = new Set<string>()
  for await (const page of store.scan())
    for (const found of page)
      kinds.add((found.kind === 'value' ? found.key : `index ${found.index}`).split(':', 1)[0]!)
  return [...kinds].toSorted()
}

test('accounts, clients, factors and history are there; of all else nothing is, whatever the store had', async () => {
  const { op, store, backUp, restored } = await stage()
  const who = browser(op)
  const cloud = await operatorClient(op, { client_id: 'cloud' })
  await tokensOf(op, who, cloud)
  const seed = await setUpApp(op, who)
  await open(op, cloud)
  const before = await kindsIn(store)
  await backUp()
  const after = await restored()
  const kinds = await kindsIn(after.store)
  expect(before.length).toBeGreaterThan(kinds.length + 5)
  for await (const page of after.store.scan())
    for (const found of page) {
      const anew = found.kind === 'value' && /^(birth$|factor_generation:|consent:)/.test(found.key)
      expect(anew || isKept(found, 'everything') ? '' : found).toBe('')
    }
  for (const kind of ['user', 'username', 'client', 'totp', 'event', 'index users', 'index clients'])
    expect(kinds).toContain(kind)
  // She signs in as before: with her password and her app, and not with a code of before.
  const again = browser(after.op)
  const asked = pageOf(await withPassword(again))
  expect(asked.html).toContain('name="code"')
  const old = await again.press(asked, 'verify', { code: codeOf(after.op, seed) })
  expect(pathOf(old)).not.toBe('/account')
  after.op.clock.advance(120_000)
  const fresh = browser(after.op)
  const page = pageOf(await withPassword(fresh))
  expect(pathOf(await fresh.press(page, 'verify', { code: codeOf(after.op, seed) }))).toBe('/account')
})

/** What a client began and did not finish. */
async function open(op: Provider, client: TestClient) {
  const code = await authorize(op, browser(op), client, {}, bob)
  const pushed = await post(op, '/par', client, {
    response_type: 'code',
    redirect_uri: client.redirect_uri,
    code_challenge: 'a'.repeat(43),
    code_challenge_method: 'S256',
    scope: 'openid',
  })
  const device = (await read(await op.fetch('/device_authorization', formPost(client, { scope: 'openid' }))))
    .body
  return { code, pushed: pushed.body, device }
}

/** `whenBackedUp` and `then`: what happens to each thing before the backup and after it. */
type Moment = 'before the backup' | 'after the backup' | 'never'

for (const used of ['before the backup', 'after the backup', 'never'] as const satisfies Moment[])
  test(`what was used or ended ${used} is of no use after a restore`, async () => {
    const { op, backUp, restored } = await stage({
      REGISTRATION: 'token',
      REGISTRATION_INITIAL_ACCESS_TOKEN: 'x'.repeat(40),
    })
    const client = await operatorClient(op, {
      client_id: 'shop',
      grant_types: ['authorization_code', 'refresh_token', 'client_credentials', device_grant],
    })
    const who = browser(op)
    const tokens = await tokensOf(op, who, client)
    const begun = await open(op, client)
    const { record: invited, token: invitation } = await Invitation.issue(
      op.context,
      op.context.random,
      { email: 'carol@example.com', invited: true },
      86_400,
    )
    const initial = await InitialAccessToken.issue(op.context, op.context.random, {
      name: 'CI',
      uses: 1,
      lifetime: 86_400,
      limits: {},
    })
    const forgetful = browser(op)
    const forgot = pageOf(await forgetful.open('/forgot_password'))
    await forgetful.press(forgot, 'send', { username: 'alice' })
    await answerRequests(op.context)
    const link = await linkMailed(op, 'alice@example.com', '/reset_password')
    const client_token = (await post(op, '/token', client, { grant_type: 'client_credentials' })).body
      .access_token as string
    expect(client_token).toBeString()

    async function use(): Promise<void> {
      expect((await redeem(op, client, begun.code)).status).toBe(200)
      expect((await refresh(op, client, tokens.refresh_token)).status).toBe(200)
      await InitialAccessToken.spend(op.context, initial.record.id)
      await Invitation.revoke(op.context, invited.id)
      await post(op, '/revoke', client, { token: client_token })
      expect((await introspect(op, client_token, client)).active).toBe(false)
    }
    if (used === 'before the backup') await use()
    op.clock.advance(1_000)
    await backUp()
    op.clock.advance(1_000)
    if (used === 'after the backup') await use()
    const { op: next } = await restored()

    expect((await redeem(next, client, begun.code)).body.error).toBe('invalid_grant')
    expect((await refresh(next, client, tokens.refresh_token)).body.error).toBe('invalid_grant')
    expect((await introspect(next, tokens.access_token, client)).active).toBe(false)
    expect((await introspect(next, client_token, client)).active).toBe(false)
    const poll = { grant_type: device_grant, device_code: begun.device.device_code as string }
    expect((await post(next, '/token', client, poll)).body.error).toBe('invalid_grant')
    const pushed = new URLSearchParams({
      client_id: client.client_id,
      request_uri: begun.pushed.request_uri as string,
    })
    expect((await next.fetch(`/authorize?${pushed}`)).status).toBe(400)
    expect(await InitialAccessToken.ofToken(next.context, initial.token)).toBeUndefined()
    expect(await Invitation.ofToken(next.context, invitation)).toBeUndefined()
    const visitor = browser(next)
    const { pathname, search } = new URL(link)
    expect(
      pageOf(await visitor.open(`${pathname}${search}`)).forms.flatMap(({ fields }) => Object.keys(fields)),
    ).not.toContain('new_password')
    // The cookies of a session that was alive: the browser is at the same address.
    const cookie = [...who.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const home = await next.fetch('/account', { headers: { cookie } })
    expect([302, 303]).toContain(home.status)
    // And what is meant to come back has come back.
    expect(await User.findByUsername(next.context, 'alice')).toBeDefined()
    expect((await tokensOf(next, browser(next), client)).access_token).toBeString()
  }, 60_000)
