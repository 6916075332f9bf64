/** Refresh tokens: rotation, an honest retry, a thief, and the end of a family. https://www.rfc-editor.org/rfc/rfc9700#section-4.14.2 */
import { describe, expect, test } from 'bun:test'
import { claimsOf } from '../support/client.ts'
import {
  browser,
  browserClient,
  demo,
  introspect,
  minute,
  operatorClient,
  post,
  redeem,
  authorize,
  refresh,
  stage,
  tokensOf,
  userinfo,
} from '../support/flow.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { turnableClock } from '../support/provider.ts'
import { sizedStore } from '../support/odd_stores.ts'

const next = async (...args: Parameters<typeof refresh>) => {
  const answer = await refresh(...args)
  if (answer.status !== 200) throw new Error(JSON.stringify(answer.body))
  return answer.body as Record<'access_token' | 'refresh_token' | 'id_token' | 'scope', string>
}

describe('rotation', () => {
  test('each use brings a new one', async () => {
    const { op, alice } = await stage()
    const first = await tokensOf(op, alice)
    const second = await next(op, demo, first.refresh_token)
    const third = await next(op, demo, second.refresh_token)
    expect(new Set([first.refresh_token, second.refresh_token, third.refresh_token]).size).toBe(3)
    expect((await userinfo(op, third.access_token)).status).toBe(200)
    expect((await userinfo(op, first.access_token)).status).toBe(200) // until it expires
  })

  test('an honest retry within the grace gets the same successor', async () => {
    const { op, alice } = await stage()
    const { refresh_token } = await tokensOf(op, alice)
    const lost = await next(op, demo, refresh_token)
    op.clock.advance(4_000)
    const again = await next(op, demo, refresh_token)
    expect(again.refresh_token).toBe(lost.refresh_token)
    const after = await next(op, demo, again.refresh_token)
    expect((await userinfo(op, after.access_token)).status).toBe(200)
  })

  test('twenty tabs at once get one successor', async () => {
    const { op, alice } = await stage()
    const { refresh_token } = await tokensOf(op, alice, browserClient)
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => next(op, browserClient, refresh_token)),
    )
    expect(new Set(answers.map((each) => each.refresh_token)).size).toBe(1)
  })

  test('after the grace a used one is theft: the family ends, for thief and owner', async () => {
    const { op, alice } = await stage()
    const { refresh_token } = await tokensOf(op, alice, demo, { scope: 'openid offline_access' })
    const owner = await next(op, demo, refresh_token)
    op.clock.advance(5_001)
    expect((await refresh(op, demo, refresh_token)).body.error).toBe('invalid_grant')
    expect((await refresh(op, demo, owner.refresh_token)).body.error).toBe('invalid_grant')
    expect((await userinfo(op, owner.access_token)).status).toBe(401)
    expect(op.lines.some((line) => line.includes('refresh_token_reused'))).toBe(true)
    expect(op.lines.join('\n')).not.toContain(refresh_token)
  })

  test('a much older one is theft at once, grace or not', async () => {
    const { op, alice } = await stage()
    const first = await tokensOf(op, alice)
    const second = await next(op, demo, first.refresh_token)
    const third = await next(op, demo, second.refresh_token)
    expect((await refresh(op, demo, first.refresh_token)).body.error).toBe('invalid_grant')
    expect((await refresh(op, demo, third.refresh_token)).body.error).toBe('invalid_grant')
  })

  test('without grace the second use is theft', async () => {
    const { op, alice } = await stage({ env: { REFRESH_TOKEN_GRACE: '0' } })
    const { refresh_token } = await tokensOf(op, alice)
    const owner = await next(op, demo, refresh_token)
    expect((await refresh(op, demo, refresh_token)).body.error).toBe('invalid_grant')
    expect((await refresh(op, demo, owner.refresh_token)).body.error).toBe('invalid_grant')
  })
})

describe('refused', () => {
  test('from another client, and it costs the owner nothing', async () => {
    const { op, alice } = await stage()
    const thief = await operatorClient(op, { client_id: 'thief' })
    const { refresh_token } = await tokensOf(op, alice)
    expect((await refresh(op, thief, refresh_token)).body.error).toBe('invalid_grant')
    expect((await refresh(op, browserClient, refresh_token)).body.error).toBe('invalid_grant')
    expect((await refresh(op, demo, refresh_token)).status).toBe(200)
  })

  test('bent in any character', async () => {
    const { op, alice } = await stage()
    const { refresh_token, access_token } = await tokensOf(op, alice)
    const bent = [3, 8, 23, 26, 30, refresh_token.length - 1].map(
      (at) =>
        refresh_token.slice(0, at) + (refresh_token[at] === 'A' ? 'B' : 'A') + refresh_token.slice(at + 1),
    )
    for (const token of [...bent, `${refresh_token}A`, refresh_token.slice(0, -1), access_token, 'x', 'lkr_'])
      expect((await refresh(op, demo, token)).body.error).toBe('invalid_grant')
    expect((await refresh(op, demo, refresh_token)).status).toBe(200)
  })

  test('when it is missing', async () => {
    const { op } = await stage()
    const { status, body } = await post(op, '/token', demo, { grant_type: 'refresh_token' })
    expect([status, body.error]).toEqual([400, 'invalid_request'])
  })
})

describe('scope', () => {
  test('may be narrower for one answer, never wider', async () => {
    const { op, alice } = await stage()
    const tokens = await tokensOf(op, alice, demo, { scope: 'openid email' })
    const narrow = await next(op, demo, tokens.refresh_token, { scope: 'openid' })
    expect(narrow.scope).toBe('openid')
    expect((await userinfo(op, narrow.access_token)).body).toEqual({ sub: 'user-alice' })
    const wider = await refresh(op, demo, narrow.refresh_token, { scope: 'openid email phone' })
    expect([wider.status, wider.body.error]).toEqual([400, 'invalid_scope'])
    const full = await next(op, demo, narrow.refresh_token)
    expect(full.scope).toBe('openid email')
  })

  test('without openid there is no ID Token', async () => {
    const { op, alice } = await stage()
    const { refresh_token } = await tokensOf(op, alice, demo, { scope: 'openid email' })
    expect(await next(op, demo, refresh_token, { scope: 'email' })).not.toHaveProperty('id_token')
  })
})

describe('how long', () => {
  const day = 24 * 60 * minute
  test('absolutely: refreshing does not make a grant live longer, nor its last access token', async () => {
    const { op, alice } = await stage({ env: { REFRESH_TOKEN_TTL: '86400' } })
    let { refresh_token } = await tokensOf(op, alice, demo, { scope: 'openid offline_access' })
    let last: string | undefined
    for (let hour = 0; hour < 24; hour++) {
      const answer = await next(op, demo, refresh_token)
      refresh_token = answer.refresh_token
      last = answer.access_token
      op.clock.advance(day / 24 - 1000)
    }
    const near = await next(op, demo, refresh_token)
    const { exp, iat } = claimsOf(near.access_token) as { exp: number; iat: number }
    expect(exp - iat).toBe(24)
    op.clock.advance(25_000)
    expect((await refresh(op, demo, near.refresh_token)).body.error).toBe('invalid_grant')
    expect((await userinfo(op, near.access_token)).status).toBe(401)
    expect((await userinfo(op, last!)).status).toBe(401)
  })

  test('no longer than the session, unless offline_access was granted', async () => {
    const { op, alice } = await stage()
    const online = await tokensOf(op, alice, demo, { scope: 'openid' })
    const offline = await tokensOf(op, alice, demo, { scope: 'openid offline_access' })
    const { page } = await alice.open('/logout')
    await alice.press(page!, 'logout')
    expect((await refresh(op, demo, online.refresh_token)).body.error).toBe('invalid_grant')
    expect((await userinfo(op, online.access_token)).status).toBe(401)
    expect((await userinfo(op, offline.access_token)).status).toBe(200)
    expect((await refresh(op, demo, offline.refresh_token)).status).toBe(200)
  })

  test('a session that ran out in silence ends it too', async () => {
    const { op, alice } = await stage()
    const online = await tokensOf(op, alice, demo, { scope: 'openid' })
    const offline = await tokensOf(op, alice, demo, { scope: 'openid offline_access' })
    op.clock.advance(25 * 60 * minute)
    expect((await refresh(op, demo, online.refresh_token)).body.error).toBe('invalid_grant')
    expect((await refresh(op, demo, offline.refresh_token)).status).toBe(200)
  })

  test('not longer than its person may sign in', async () => {
    const { op, alice } = await stage()
    const { User } = await import('../../src/models/user.ts')
    const { refresh_token } = await tokensOf(op, alice, demo, { scope: 'openid offline_access' })
    await User.update(op.context, 'user-alice', (user) => ({ ...user, disabled: true }))
    expect((await refresh(op, demo, refresh_token)).body.error).toBe('invalid_grant')
  })
})

test('a family costs the same after a thousand rotations as after one', async () => {
  const clock = turnableClock()
  const counting = sizedStore(memoryStore(clock))
  const { op, alice } = await stage({ clock, store: counting.store, env: { ACCESS_TOKEN_ALG: 'EdDSA' } })
  const client = await operatorClient(op, { client_id: 'rotating', id_token_signed_response_alg: 'EdDSA' })
  let { refresh_token } = await tokensOf(op, alice, client)
  refresh_token = (await next(op, client, refresh_token)).refresh_token
  const before = counting.size()
  for (let i = 0; i < 1000; i++) {
    clock.advance(10)
    refresh_token = (await next(op, client, refresh_token)).refresh_token
  }
  const after = counting.size()
  expect(after.keys).toBe(before.keys)
  expect(after.characters - before.characters).toBeLessThan(8) // the digits of a counter
  expect((await introspect(op, refresh_token, client)).active).toBe(true)
})

test('two grants of one person are two families: the end of one is not that of the other', async () => {
  const { op, alice } = await stage()
  const [a, b] = [await tokensOf(op, alice), await tokensOf(op, alice)]
  await next(op, demo, a.refresh_token)
  op.clock.advance(6_000)
  await refresh(op, demo, a.refresh_token)
  expect((await refresh(op, demo, b.refresh_token)).status).toBe(200)
})

test('a code replayed after its refresh token rotated ends the family all the same', async () => {
  const { op } = await stage()
  const who = browser(op)
  const authorized = await authorize(op, who)
  const { body } = await redeem(op, demo, authorized)
  const rotated = await next(op, demo, String(body.refresh_token))
  await redeem(op, demo, authorized)
  expect((await refresh(op, demo, rotated.refresh_token)).body.error).toBe('invalid_grant')
})
