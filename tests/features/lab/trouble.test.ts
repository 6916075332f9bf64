/** Trouble on command: what one client of the lab is told wrongly, how it begins and ends, and what it never touches. */
import { beforeAll, expect, test } from 'bun:test'
import { Client } from '../../../src/models/client.ts'
import { seconds } from '../../../src/lib/clock.ts'
import { claimsOf, headerOf, type Json } from '../../support/client.ts'
import {
  authorize,
  browser,
  demo,
  operatorClient,
  read,
  redeem,
  tokensOf,
  userinfo,
} from '../../support/flow.ts'
import { type Provider, provider } from '../../support/provider.ts'

let op: Provider
beforeAll(async () => {
  op = await provider({ env: { LAB: 'true' } })
})

const api = '/lab/api/trouble'
const sent = (body: object, more: Record<string, string> = {}): RequestInit => ({
  method: 'POST',
  body: JSON.stringify(body),
  headers: { 'content-type': 'application/json', ...more },
})
const on = async (fault: string, more: object = {}, at = op) =>
  read(await at.fetch(api, sent({ client_id: demo.client_id, fault, slow: 0, ...more })))
const off = async (at = op, client = demo.client_id) =>
  read(await at.fetch(`${api}?client_id=${client}`, { method: 'DELETE' }))

/** Runs with one fault, which then ends. Resolves to how often it was told, too. */
async function under<T>(fault: string, run: () => Promise<T>): Promise<T & { told: number }> {
  expect((await on(fault)).status).toBe(201)
  try {
    const found = await run()
    const list = (await read(await op.fetch(api))).body.on as { told: number }[]
    return { ...found, told: list[0]!.told }
  } finally {
    await off()
  }
}

const idTokenUnder = (fault: string) =>
  under(fault, async () => {
    const tokens = await tokensOf(op, browser(op))
    return { ...tokens, claims: claimsOf(tokens.id_token), header: headerOf(tokens.id_token) }
  })

const isGood = async (idToken: string) => (await op.context.keys.verifyHint(idToken)) !== undefined

const changed: Readonly<Record<string, (claims: Json) => unknown>> = {
  iss: ({ iss }) => iss === 'https://another-issuer.invalid',
  aud: ({ aud }) => aud === 'https://another-client.invalid',
  azp: ({ aud, azp }) =>
    (aud as string[]).includes(demo.client_id) && azp === 'https://another-client.invalid',
  nonce: ({ nonce }) => nonce === 'another-nonce',
  nonce_missing: (claims) => !('nonce' in claims),
  at_hash: ({ at_hash }) => at_hash === 'AAAAAAAAAAAAAAAAAAAAAA',
  expired: ({ exp }) => Number(exp) <= seconds(op.clock) - 3600,
  future: ({ nbf }) => Number(nbf) >= seconds(op.clock) + 3600,
  sub_missing: (claims) => !('sub' in claims),
  huge: ({ padding }) => String(padding).length > 100_000,
}

test.each(Object.entries(changed))(
  '%s: the claim is wrong, and the signature is right',
  async (fault, isWrong) => {
    const { id_token, claims, told } = await idTokenUnder(fault)
    expect(isWrong(claims)).toBe(true)
    if (fault !== 'huge') expect(await isGood(id_token)).toBe(true)
    expect(told).toBe(1)
    expect(isWrong(claimsOf((await tokensOf(op, browser(op))).id_token))).toBe(false)
  },
)

test('signature and kid: the signature of a key that is in no JWK Set', async () => {
  const signature = await idTokenUnder('signature')
  expect(op.context.keys.find(String(signature.header.kid))).toBeDefined()
  expect(await isGood(signature.id_token)).toBe(false)
  const kid = await idTokenUnder('kid')
  expect(op.context.keys.find(String(kid.header.kid))).toBeUndefined()
})

test('alg: none, and HS256 with the public key', async () => {
  const none = await idTokenUnder('alg_none')
  expect(none.header.alg).toBe('none')
  expect(none.id_token.endsWith('.')).toBe(true)
  const swapped = await idTokenUnder('alg_swapped')
  expect(swapped.header.alg).toBe('HS256')
  for (const { id_token } of [none, swapped]) expect(await isGood(id_token)).toBe(false)
})

const jwks = async (peer?: string) => read(await op.fetch('/jwks.json', {}, peer))
const kids = ({ body }: { body: Json }) => (body.keys as { kid: string }[]).map(({ kid }) => kid)

test('a key that is rotated in mid-flight is in the JWK Set of that address alone', async () => {
  const before = kids(await jwks())
  await under('key_rotated', async () => {
    const { id_token } = await tokensOf(op, browser(op))
    const { kid } = headerOf(id_token)
    expect(before).not.toContain(kid)
    expect(kids(await jwks())).toEqual([...before, String(kid)])
    expect(kids(await jwks('192.0.2.7'))).toEqual(before)
    expect((await jwks()).headers.get('cache-control')).toBe('no-store')
    // The provider itself does not take the key for one of its own.
    expect(await isGood(id_token)).toBe(false)
    return {}
  })
  expect(kids(await jwks())).toEqual(before)
})

test('the JWK Set: empty, 503, late, for one address', async () => {
  await under('jwks_empty', async () => {
    expect(kids(await jwks())).toEqual([])
    expect(kids(await jwks('192.0.2.7')).length).toBeGreaterThan(0)
    return {}
  })
  await under('jwks_503', async () => {
    expect((await jwks()).status).toBe(503)
    expect((await jwks('192.0.2.7')).status).toBe(200)
    return {}
  })
  const { told } = await under('jwks_slow', async () => {
    expect(kids(await jwks()).length).toBeGreaterThan(0)
    return {}
  })
  expect(told).toBe(1)
})

test('the authorization response: iss and state', async () => {
  const params = async (fault: string) => {
    const { location } = await under(fault, () => authorize(op, browser(op)))
    return location.searchParams
  }
  expect((await params('answer_iss')).get('iss')).toBe('https://another-issuer.invalid')
  expect((await params('answer_iss_missing')).has('iss')).toBe(false)
  expect((await params('state')).get('state')).toBe('another-state')
  expect((await params('state_missing')).has('state')).toBe(false)
})

test('the token endpoint, UserInfo and discovery', async () => {
  await under('token_503', async () => {
    const answer = await redeem(op, demo, await authorize(op, browser(op)))
    expect(answer.status).toBe(503)
    expect(answer.text).not.toContain('access_token')
    return {}
  })
  const { told } = await under('token_slow', async () => tokensOf(op, browser(op)))
  expect(told).toBe(1)
  await under('userinfo_sub', async () => {
    const { access_token } = await tokensOf(op, browser(op))
    expect((await userinfo(op, access_token)).body.sub).toBe('another-person')
    return {}
  })
  const discovery = async (peer?: string) =>
    (await read(await op.fetch('/.well-known/openid-configuration', {}, peer))).body.issuer
  await under('discovery_issuer', async () => {
    expect(await discovery()).toBe('https://another-issuer.invalid')
    expect(await discovery('192.0.2.7')).toBe(op.issuer)
    return {}
  })
  expect(await discovery()).toBe(op.issuer)
})

test('another client of the lab is told nothing', async () => {
  const other = await operatorClient(op, { client_id: 'another-lab-client', lab_client: true })
  const { told } = await under('iss', async () => {
    const { id_token } = await tokensOf(op, browser(op), other)
    expect(claimsOf(id_token).iss).toBe(op.issuer)
    return {}
  })
  expect(told).toBe(0)
})

test('a fault ends by itself, within an hour', async () => {
  const own = await provider({ env: { LAB: 'true' } })
  expect((await on('iss', { minutes: 61 }, own)).status).toBe(422)
  expect((await on('iss', {}, own)).status).toBe(201)
  own.clock.advance(59 * 60_000)
  expect(claimsOf((await tokensOf(own, browser(own))).id_token).iss).not.toBe(own.issuer)
  own.clock.advance(61_000)
  expect(claimsOf((await tokensOf(own, browser(own))).id_token).iss).toBe(own.issuer)
  expect((await read(await own.fetch(api))).body.on).toEqual([])
})

test('a clock that is moved back makes no fault last longer', async () => {
  const own = await provider({ env: { LAB: 'true' } })
  await on('iss', {}, own)
  const { lab } = own.context.clock
  expect(lab!.moveTo(own.context.clock.now() - 86_400_000)).toBe(true)
  expect(claimsOf((await tokensOf(own, browser(own))).id_token).iss).not.toBe(own.issuer)
  own.clock.advance(3_600_000)
  expect(claimsOf((await tokensOf(own, browser(own))).id_token).iss).toBe(own.issuer)
})

test('the log and the list say what is told, and the list shows no key', async () => {
  const own = await provider({ env: { LAB: 'true' } })
  await on('kid', {}, own)
  await tokensOf(own, browser(own))
  const { text } = await read(await own.fetch(api))
  expect(text).not.toContain('sealed')
  expect(text).not.toContain('"d"')
  await off(own)
  const events = own.lines.join('\n')
  for (const event of ['lab_trouble_begun', 'lab_trouble_told', 'lab_trouble_ended'])
    expect(events).toContain(event)
})

test('two faults at once: both are told; one that is switched on again begins anew', async () => {
  const own = await provider({ env: { LAB: 'true' } })
  await on('iss', {}, own)
  await on('nonce', {}, own)
  await on('iss', {}, own)
  const claims = claimsOf((await tokensOf(own, browser(own))).id_token)
  expect([claims.iss, claims.nonce]).toEqual(['https://another-issuer.invalid', 'another-nonce'])
  expect((await off(own)).body.ended).toHaveLength(2)
})

test('a client that is not marked, or unknown, has no faults; nor has one that lost its mark', async () => {
  const own = await provider({ env: { LAB: 'true' } })
  await operatorClient(own, { client_id: 'shop' })
  expect((await on('iss', { client_id: 'shop' }, own)).status).toBe(403)
  expect((await on('iss', { client_id: 'nobody' }, own)).status).toBe(404)
  expect((await on('iss', {}, own)).status).toBe(201)
  await Client.update(own.context, demo.client_id, (client) => ({ ...client, lab_client: false }))
  own.clock.advance(2_000)
  expect(claimsOf((await tokensOf(own, browser(own))).id_token).iss).toBe(own.issuer)
})
