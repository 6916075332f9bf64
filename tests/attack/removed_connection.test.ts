/** Once a connection is removed, the holder of the other account has nothing left: no sign-in under way, no offline access. docs/upstream.md */
import { afterAll, expect, test } from 'bun:test'
import { type StoredLink, Links } from '../../src/features/upstream/links.ts'
import { User } from '../../src/models/user.ts'
import { redeem } from './attacker.ts'
import { codeOf, pageOf, seedOn } from '../support/authenticator.ts'
import { authorizationUrl, demo, type Json } from '../support/client.ts'
import { post } from '../support/flow.ts'
import { alice, person } from '../support/person.ts'
import { type Provider, provider } from '../support/provider.ts'
import { leaveFor, secondLatchkey, upstreamEnv, whoIs } from '../support/upstream.ts'

const up = await secondLatchkey('http://localhost:5000/upstream/callback/corp')
afterAll(() => up.stop())
const member = { id: 'corp', provider: 'oidc', label: 'Corp', base_url: up.issuer, ...up.client }

/** A provider where the account alice of the other provider signs in as bob. */
async function connected(env: Record<string, string> = {}): Promise<Provider> {
  const op = await provider({ env: { ...upstreamEnv([member], [up]), ...env } })
  const identity = { issuer: up.issuer, subject: 'user-alice', emailVerified: false, amr: [] }
  await Links.create(
    op.context,
    { id: 'corp' } as Parameters<typeof Links.create>[1],
    identity as unknown as Parameters<typeof Links.create>[2],
    'user-bob',
    { access_token: 'a' },
  )
  return op
}

async function removeIt(op: Provider): Promise<void> {
  const bob = (await User.find(op.context, 'user-bob'))!
  const data = op.context.table.personData.find(({ name }) => name === 'connections')!
  const [kept] = (await Links.listOfUser(op.context, 'user-bob')) as [StoredLink]
  expect(await data.removeOne!(op.context, bob, { id: kept.id, dryRun: false })).toMatchObject({
    outcome: 'removed',
  })
}

/** What comes back after the sign-in at the other provider. */
async function throughCorp(op: Provider, url: string) {
  const thief = person(op.issuer, op.fetch)
  const away = await leaveFor(thief, 'corp', url)
  const back = await person(up.issuer, up.fetch).goThrough(away.href, alice)
  return { thief, page: pageOf(await thief.open(back.href)) }
}

test('a sign-in that waits for its second step is not completed', async () => {
  const op = await connected({ SECOND_FACTOR: 'required' })
  const { thief, page: choice } = await throughCorp(op, '/login')
  expect(new URL(choice.url).pathname).toStartWith('/second-factor')
  const page = pageOf(await thief.open(`/second-factor/totp/set-up${new URL(choice.url).search}`))
  await removeIt(op)
  await thief.press(page, 'verify', { code: codeOf(op, seedOn(page)) })
  expect(await whoIs(thief)).toBeUndefined()
})

test('a session ends also when a second step was set up here after the sign-in there', async () => {
  const op = await connected({ SECOND_FACTOR: 'required' })
  const { thief, page: choice } = await throughCorp(op, '/login')
  const page = pageOf(await thief.open(`/second-factor/totp/set-up${new URL(choice.url).search}`))
  await thief.press(page, 'verify', { code: codeOf(op, seedOn(page)) })
  expect(await whoIs(thief)).toBe('bob')
  await removeIt(op)
  expect(await whoIs(thief)).toBeUndefined()
})

test('offline access that was given in such a session ends', async () => {
  const op = await connected()
  const { url, code_verifier } = authorizationUrl(op.issuer, demo, {
    scope: 'openid offline_access',
    prompt: 'consent',
  })
  const { thief, page } = await throughCorp(op, url)
  const code = (await thief.press(page, 'allow')).location!.searchParams.get('code')!
  const tokens = (await (await redeem(op, { code, code_verifier })).json()) as Json
  expect(tokens.refresh_token).toBeString()
  await removeIt(op)
  const again = await post(op, '/token', demo, {
    grant_type: 'refresh_token',
    refresh_token: String(tokens.refresh_token),
  })
  expect(again.status).toBe(400)
})
