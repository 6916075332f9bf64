/** Ceremonies with passkeys, tampered with: replayed, swapped, bent, raced, copied. https://www.w3.org/TR/webauthn-3/#sctn-security-considerations */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { Event } from '../../src/models/event.ts'
import { User } from '../../src/models/user.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { alice, bob, browser, minute } from '../support/flow.ts'
import {
  addPasskey,
  answer,
  atSignIn,
  ceremonyForm,
  fetchOptions,
  optionsIn,
  pageOf,
  provePasskey,
  signInWith,
} from '../support/passkeys.ts'
import type { Landing, Person } from '../support/person.ts'
import { type Provider, provider, turnableClock } from '../support/provider.ts'
import { type Instances, sharedStores } from '../support/instances.ts'
import { failingStore } from '../support/odd_stores.ts'
import { attest, create, type CreationOptions, get, type Lies } from '../support/security_key.ts'

const add = '/account/passkeys/add'

async function signedIn(op: Provider, account = alice): Promise<Person> {
  const who = browser(op)
  const landing = await who.press(pageOf(await who.open('/account/passkeys')), 'login', account)
  expect(landing.page?.url).toEndWith('/account/passkeys')
  return who
}

const subOf = async (op: Provider, name: string) => (await User.findByUsername(op.context, name))!.sub
const refused = ({ page }: Landing) => [page?.status, page?.url.endsWith('/passkeys/sign_in')]
const isRefusal = [401, true]
const hasSession = (who: Person) => who.cookies.has('latchkey_session')
const bytes = (text: string) => Buffer.from(text, 'base64url')

/** A JSON credential with parts of its response changed. */
function bend(json: string, change: (response: Record<string, string>) => void): string {
  const credential = JSON.parse(json) as { response: Record<string, string> }
  change(credential.response)
  return JSON.stringify(credential)
}

describe('an assertion', () => {
  const lies: [what: string, lies: Lies][] = [
    ['of another origin', { origin: 'https://evil.example' }],
    ['of another port', { origin: 'http://localhost:5001' }],
    ['of the origin with a path', { origin: 'http://localhost:5000/' }],
    ['for another RP ID', { rpId: 'evil.example' }],
    ['without user verification', { uv: false }],
    ['without user presence', { up: false }],
    ['that is a registration', { type: 'webauthn.create' }],
    ['made in a frame of another site', { crossOrigin: true }],
    ['with a challenge of its own', { challenge: 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA' }],
    ['with a signature that is off by a bit', { spoil: true }],
    ['with the user handle of nobody', { userHandle: 'AAAA' }],
    ['without a user handle', { userHandle: null }],
    ['that says it is synced and cannot be', { be: false, bs: true }],
    ['that may be synced no longer', { be: false, bs: false }],
  ]
  test.each(lies)('%s is refused, in one and the same page', async (_, lie) => {
    const op = await provider()
    const credential = await addPasskey(op.issuer, await signedIn(op))
    const who = browser(op)
    const landing = await signInWith(op.issuer, op.fetch, who, credential, { lies: lie })
    expect(refused(landing)).toEqual(isRefusal)
    expect(hasSession(who)).toBe(false)
    const stranger = create(op.issuer, { challenge: '', rp: { id: 'localhost' }, user: { id: 'AAAA' } })
    const unknown = await signInWith(op.issuer, op.fetch, browser(op), stranger.credential)
    const neutral = (html: string) => html.replace(/interaction=[\w-]+/g, '').replace(/value="[^"]*"/g, '')
    expect(neutral(unknown.page!.html)).toBe(neutral(landing.page!.html))
    // and the honest one goes through
    expect(refused(await signInWith(op.issuer, op.fetch, who, credential))).not.toEqual(isRefusal)
    expect(hasSession(who)).toBe(true)
  })

  test('is worth nothing a second time, nor in another browser', async () => {
    const op = await provider()
    const credential = await addPasskey(op.issuer, await signedIn(op))
    const [who, thief] = [browser(op), browser(op)]
    const { page, options } = await atSignIn(op.issuer, op.fetch, who)
    const json = get(op.issuer, options, credential)
    const theirs = pageOf(await thief.open('/login'))
    expect(refused(await answer(thief, theirs, json))).toEqual(isRefusal) // login CSRF: the thief's own interaction
    expect(refused(await answer(who, page, json))).toEqual(isRefusal) // and it was spent by that
    const again = await atSignIn(op.issuer, op.fetch, who)
    const good = get(op.issuer, again.options, credential)
    expect(refused(await answer(who, again.page, good))).not.toEqual(isRefusal)
    const replay = pageOf(await thief.open('/login'))
    expect(refused(await answer(thief, replay, good))).toEqual(isRefusal)
    expect(hasSession(thief)).toBe(false)
  })

  test('comes within five minutes', async () => {
    const op = await provider()
    const credential = await addPasskey(op.issuer, await signedIn(op))
    const who = browser(op)
    const { page, options } = await atSignIn(op.issuer, op.fetch, who)
    op.clock.advance(5 * minute)
    expect(refused(await answer(who, page, get(op.issuer, options, credential)))).toEqual(isRefusal)
  })

  test('is not taken apart and put together anew', async () => {
    const op = await provider()
    const aliceKey = await addPasskey(op.issuer, await signedIn(op))
    const bobKey = await addPasskey(op.issuer, await signedIn(op, bob))
    const who = browser(op)
    const attempt = async (make: (json: string, options: { challenge: string; rpId: string }) => string) => {
      const { page, options } = await atSignIn(op.issuer, op.fetch, who)
      return refused(await answer(who, page, make(get(op.issuer, options, bobKey), options)))
    }
    // Bob's signature under Alice's credential id, and her handle under his
    const id = aliceKey.id.toString('base64url')
    expect(await attempt((json) => JSON.stringify({ ...JSON.parse(json), id, rawId: id }))).toEqual(isRefusal)
    expect(
      await attempt((json) => bend(json, (response) => void (response.userHandle = aliceKey.userHandle))),
    ).toEqual(isRefusal)
    // user verification claimed after the signature
    const claimed = async () => {
      const { page, options } = await atSignIn(op.issuer, op.fetch, who)
      const json = bend(get(op.issuer, options, bobKey, { uv: false }), (response) => {
        const data = bytes(response.authenticatorData!)
        data[32]! |= 4
        response.authenticatorData = data.toString('base64url')
      })
      return refused(await answer(who, page, json))
    }
    expect(await claimed()).toEqual(isRefusal)
    // the challenge swapped after the signature
    expect(
      await attempt((json, { challenge }) =>
        bend(json, (response) => {
          const data = JSON.parse(bytes(response.clientDataJSON!).toString()) as object
          response.clientDataJSON = Buffer.from(JSON.stringify({ ...data, challenge, more: 1 })).toString(
            'base64url',
          )
        }),
      ),
    ).toEqual(isRefusal)
    expect(hasSession(who)).toBe(false)
  })

  test('is never a crash, whatever it is made of', async () => {
    const op = await provider({ env: { SIGN_IN_ATTEMPTS_PER_ADDRESS: '1000' } })
    const credential = await addPasskey(op.issuer, await signedIn(op))
    const who = browser(op)
    const nonsense: ((json: string) => string)[] = [
      () => '',
      () => 'null',
      () => '[]',
      () => '{"id":1}',
      () => `${'['.repeat(5000)}`,
      (json) => json.replace('public-key', 'password'),
      (json) => JSON.stringify({ ...JSON.parse(json), id: '../../x', rawId: '../../x' }),
      (json) => JSON.stringify({ ...JSON.parse(json), id: 'A'.repeat(2000), rawId: 'A'.repeat(2000) }),
      (json) => JSON.stringify({ ...JSON.parse(json), rawId: 'AAAA' }),
      (json) => bend(json, (response) => void (response.authenticatorData = 'AAAA')),
      (json) => bend(json, (response) => void (response.authenticatorData += 'AAAAAAAA')),
      (json) => bend(json, (response) => void (response.signature = 'AAAA')),
      (json) => bend(json, (response) => void (response.clientDataJSON = 'AAAA')),
      (json) => bend(json, (response) => void (response.clientDataJSON = '_w')),
      (json) => bend(json, (response) => void (response.clientDataJSON = 'bnVsbA')),
      (json) => bend(json, (response) => void (response.clientDataJSON += '=')),
    ]
    for (const make of nonsense) {
      const { page, options } = await atSignIn(op.issuer, op.fetch, who)
      expect(refused(await answer(who, page, make(get(op.issuer, options, credential))))).toEqual(isRefusal)
    }
    expect(op.lines.filter((line) => line.includes('server_error'))).toEqual([])
  })
})

describe('challenges', () => {
  test('of a registration sign nobody in, and those of a sign-in register nothing', async () => {
    const op = await provider()
    const who = await signedIn(op)
    const credential = await addPasskey(op.issuer, who)
    const { page, options } = await atSignIn(op.issuer, op.fetch, browser(op))
    const toAdd = await provePasskey(op.issuer, who, credential)
    const creation = optionsIn<CreationOptions>(toAdd)
    const thief = browser(op)
    const atLogin = await atSignIn(op.issuer, op.fetch, thief)
    const crossed = get(op.issuer, { ...atLogin.options, challenge: creation.challenge }, credential)
    expect(refused(await answer(thief, atLogin.page, crossed))).toEqual(isRefusal)
    const { json } = create(op.issuer, { ...creation, challenge: options.challenge })
    expect(pageOf(await answer(who, toAdd, json)).status).toBe(400)
    expect(page.url).toContain('/login')
  })

  test('are the same question to everybody, and only from our own page', async () => {
    const op = await provider()
    await addPasskey(op.issuer, await signedIn(op))
    const ask = async (url: string) => {
      const who = browser(op)
      const { options } = await atSignIn(op.issuer, op.fetch, who, url)
      return { ...options, challenge: '' } as object
    }
    const hinted = `/authorize?response_type=code&client_id=client123&redirect_uri=http%3A%2F%2Flocalhost%3A8080%2Fcallback&scope=openid&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256&login_hint=`
    const [a, b] = [await ask(`${hinted}alice`), await ask(`${hinted}nobody`)]
    expect(a).toEqual(b)
    expect(a).toEqual({
      challenge: '',
      rpId: 'localhost',
      allowCredentials: [],
      userVerification: 'required',
      timeout: 300_000,
    })
    const who = browser(op)
    const page = pageOf(await who.open('/login'))
    const statuses = [
      await fetchOptions(op.issuer, op.fetch, who, page, { csrf_token: 'x' }),
      await fetchOptions(op.issuer, op.fetch, browser(op), page),
      await op.fetch('/passkeys/sign_in/options', {
        method: 'POST',
        body: new URLSearchParams(ceremonyForm(page).fields).toString(),
        headers: {
          'content-type': 'application/x-www-form-urlencoded',
          origin: 'https://evil.example',
          cookie: [...who.cookies].map(([name, value]) => `${name}=${value}`).join('; '),
        },
      }),
    ].map(({ status }) => status)
    expect(statuses).toEqual([403, 403, 403])
  })

  test('are asked for so often and no more; assertions that fail are counted, those that hold are not', async () => {
    const op = await provider({ env: { SIGN_IN_ATTEMPTS_PER_ADDRESS: '3' } })
    const credential = await addPasskey(op.issuer, await signedIn(op))
    for (let good = 0; good < 5; good++)
      expect(refused(await signInWith(op.issuer, op.fetch, browser(op), credential))).not.toEqual(isRefusal)
    const outcomes: (number | undefined)[] = []
    for (let bad = 0; bad < 4; bad++)
      outcomes.push(
        (await signInWith(op.issuer, op.fetch, browser(op), credential, { lies: { spoil: true } })).page
          ?.status,
      )
    expect(outcomes).toEqual([401, 401, 401, 429])
  })
})

describe('a registration', () => {
  const lies: [what: string, lies: Lies][] = [
    ['of another origin', { origin: 'https://evil.example' }],
    ['for another RP ID', { rpId: 'evil.example' }],
    ['without user verification', { uv: false }],
    ['without user presence', { up: false }],
    ['that is an assertion', { type: 'webauthn.get' }],
    ['made in a frame of another site', { crossOrigin: true }],
    ['with a challenge of its own', { challenge: 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA' }],
    ['that is synced and cannot be', { be: false, bs: true }],
    ['with an attestation we never asked for', { attestation: { fmt: 'tpm', attStmt: new Map() } }],
  ]
  test.each(lies)('%s adds nothing', async (_, lie) => {
    const op = await provider()
    const who = await signedIn(op)
    const page = pageOf(await who.open(add))
    const { credential, json } = create(op.issuer, optionsIn<CreationOptions>(page), lie)
    expect(pageOf(await answer(who, page, json)).status).toBe(400)
    expect(refused(await signInWith(op.issuer, op.fetch, browser(op), credential))).toEqual(isRefusal)
  })

  test('with a certificate chain has nothing fetched for it', async () => {
    const op = await provider()
    const who = await signedIn(op)
    const page = pageOf(await who.open(add))
    let asked = 0
    const server = Bun.serve({ port: 0, fetch: () => (asked++, new Response('')) })
    const x5c = [Buffer.from(`30820100 http://localhost:${server.port}/crl`)]
    const attStmt = new Map<string, never>([
      ['alg', -7 as never],
      ['sig', Buffer.alloc(70) as never],
      ['x5c', x5c as never],
    ])
    const { json } = create(op.issuer, optionsIn<CreationOptions>(page), {
      attestation: { fmt: 'packed', attStmt },
    })
    expect(pageOf(await answer(who, page, json)).status).toBe(400)
    expect(op.lines.join()).toContain('the attestation has a certificate chain, but none was requested')
    expect(asked).toBe(0)
    await server.stop(true)
  })

  test('is not taken twice, nor by another account, nor under another account’s credential id', async () => {
    const op = await provider()
    const [who, other] = [await signedIn(op), await signedIn(op, bob)]
    const page = pageOf(await who.open(add))
    const options = optionsIn<CreationOptions>(page)
    const { credential, json } = create(op.issuer, options)
    const theirs = pageOf(await other.open(add))
    expect(pageOf(await answer(other, theirs, json)).status).toBe(400) // Alice's challenge, spent by Bob for nothing
    expect(pageOf(await answer(who, page, json)).status).toBe(400)
    const again = pageOf(await who.open(add))
    const mine = attest(op.issuer, optionsIn<CreationOptions>(again), credential)
    expect(pageOf(await answer(who, again, mine)).url).toEndWith('?done=added')
    await provePasskey(op.issuer, who, credential)
    expect(pageOf(await answer(who, again, mine)).status).toBe(400)
    const copied = pageOf(await other.open(add))
    const answered = await answer(
      other,
      copied,
      attest(op.issuer, optionsIn<CreationOptions>(copied), credential),
    )
    expect(pageOf(answered).html).toContain('already in use')
    const claims = await signInWith(op.issuer, op.fetch, browser(op), credential)
    expect(refused(claims)).not.toEqual(isRefusal)
  })

  test('needs a session that has just begun, and its own form', async () => {
    const op = await provider()
    const who = await signedIn(op)
    const page = pageOf(await who.open(add))
    const { json } = create(op.issuer, optionsIn<CreationOptions>(page))
    const forged = {
      ...page,
      forms: page.forms.map((form) => ({ ...form, fields: { ...form.fields, csrf_token: 'x' } })),
    }
    expect(pageOf(await answer(who, forged, json)).status).toBe(403)
    op.clock.advance(11 * minute)
    expect(new URL(pageOf(await answer(who, page, json)).url).pathname).toBe('/login')
    const half = browser(op)
    expect(new URL(pageOf(await half.open('/passkeys/enrol')).url).pathname).not.toBe('/account/passkeys')
  })
})

describe('a copy of a passkey', () => {
  test('gives itself away by its counter: refused, and the owner told', async () => {
    const op = await provider()
    const credential = await addPasskey(op.issuer, await signedIn(op), { counter: 7 })
    const at = async (counter: number) =>
      refused(await signInWith(op.issuer, op.fetch, browser(op), credential, { lies: { counter } }))
    const told = async () =>
      (await Event.listOfUser(op.context, await subOf(op, 'alice'))).filter(
        ({ kind }) => kind === 'passkey_refused',
      ).length
    expect(await at(8)).not.toEqual(isRefusal)
    expect(await at(8)).toEqual(isRefusal)
    expect(await at(3)).toEqual(isRefusal)
    expect(await at(0)).toEqual(isRefusal)
    expect(await told()).toBe(3)
    expect(await at(9)).not.toEqual(isRefusal)
  })

  test('cannot be pretended by somebody without the key', async () => {
    const op = await provider()
    const credential = await addPasskey(op.issuer, await signedIn(op), { counter: 7 })
    await signInWith(op.issuer, op.fetch, browser(op), credential, { lies: { counter: 1, spoil: true } })
    const events = await Event.listOfUser(op.context, await subOf(op, 'alice'))
    expect(events.map(({ kind }) => kind)).not.toContain('passkey_refused')
  })

  test('that never counts is none, and may go between synced and not', async () => {
    const op = await provider()
    const credential = await addPasskey(op.issuer, await signedIn(op))
    for (const bs of [true, false, true])
      expect(
        refused(await signInWith(op.issuer, op.fetch, browser(op), credential, { lies: { bs } })),
      ).not.toEqual(isRefusal)
  })

  test('made of one that is bound to its device is told to the owner', async () => {
    const op = await provider()
    const credential = await addPasskey(op.issuer, await signedIn(op), { be: false, bs: false })
    const at = async (lie: Lies) =>
      refused(await signInWith(op.issuer, op.fetch, browser(op), credential, { lies: lie }))
    expect(await at({ be: false, bs: false })).not.toEqual(isRefusal)
    expect(await at({ be: true, bs: true })).toEqual(isRefusal)
    const events = await Event.listOfUser(op.context, await subOf(op, 'alice'))
    expect(events.map(({ kind }) => kind)).toContain('passkey_refused')
  })
})

describe.each(sharedStores)('two instances on one %s', (_, begin) => {
  let instances: Instances
  beforeAll(async () => void (instances = await begin()))
  afterAll(() => instances.stop())

  const pair = () => instances.pair({ SIGN_IN_ATTEMPTS_PER_ADDRESS: '1000' })

  /** The same browser, talking to one of the two. */
  function through(op: Provider, who: Person): Person {
    const twin = browser(op)
    for (const [name, value] of who.cookies) twin.cookies.set(name, value)
    return twin
  }
  const twenty = <T>(make: (i: number) => Promise<T>) =>
    Promise.all(Array.from({ length: 20 }, (_, i) => make(i)))

  test('of twenty assertions over one challenge one begins a session', async () => {
    const both = await pair()
    const credential = await addPasskey(both[0].issuer, await signedIn(both[0]))
    const who = browser(both[0])
    const { page, options } = await atSignIn(both[0].issuer, both[0].fetch, who)
    const json = get(both[0].issuer, options, credential)
    const landings = await twenty(async (i) => {
      const twin = through(both[i % 2]!, who)
      return { landing: await answer(twin, page, json), twin }
    })
    expect(landings.filter(({ twin }) => hasSession(twin))).toHaveLength(1)
    expect(landings.filter(({ landing }) => refused(landing)[0] === 401)).toHaveLength(19)
  })

  test('of twenty uses of a counter one is no copy', async () => {
    const both = await pair()
    const credential = await addPasskey(both[0].issuer, await signedIn(both[0]), { counter: 1 })
    const ready = await twenty(async (i) => {
      const op = both[i % 2]!
      const who = browser(op)
      return { op, who, ...(await atSignIn(op.issuer, op.fetch, who)) }
    })
    await Promise.all(
      ready.map(({ op, who, page, options }) =>
        answer(who, page, get(op.issuer, options, credential, { counter: 2 })),
      ),
    )
    expect(ready.filter(({ who }) => hasSession(who))).toHaveLength(1)
  })

  test('of twenty registrations over one challenge one is kept; of two last passkeys removed at once one stays', async () => {
    const both = await pair()
    const who = await signedIn(both[0])
    const page = pageOf(await who.open(add))
    const { credential, json } = create(both[0].issuer, optionsIn<CreationOptions>(page))
    const landings = await twenty((i) => answer(through(both[i % 2]!, who), page, json))
    expect(landings.filter(({ page }) => page?.url.endsWith('?done=added'))).toHaveLength(1)
    await provePasskey(both[0].issuer, who, credential)
    await addPasskey(both[0].issuer, who)
    await User.update(both[0].context, await subOf(both[0], 'alice'), ({ password_hash: _, ...user }) => user)
    const list = pageOf(await who.open('/account/passkeys'))
    const links = [...new Set(list.html.match(/\/account\/passkeys\/remove\?passkey=[\w-]{43}/g))]
    expect(links).toHaveLength(2)
    const pages = await Promise.all(links.map(async (link) => pageOf(await who.open(link))))
    await twenty((i) => through(both[i % 2]!, who).press(pages[Math.floor(i / 2) % 2]!, 'remove'))
    const left = pageOf(await who.open('/account/passkeys')).html.match(/remove\?passkey=/g)
    expect(left).toHaveLength(1)
  })
})

describe('a store that goes away', () => {
  test('at any step of a sign-in: 503 or a session, never a refusal that was none, and the next try holds', async () => {
    const clock = turnableClock()
    const failing = failingStore(memoryStore(clock))
    const op = await provider({ clock, store: failing.store })
    const credential = await addPasskey(op.issuer, await signedIn(op), { counter: 1 })
    let counter = 1
    let through = false
    for (let verbs = 0; !through; verbs++) {
      const who = browser(op)
      const { page, options } = await atSignIn(op.issuer, op.fetch, who)
      const json = get(op.issuer, options, credential, { counter: ++counter })
      failing.failAfter(verbs)
      const { page: landed } = await answer(who, page, json)
      failing.recover()
      through = hasSession(who)
      expect(through).toBe(!landed!.url.endsWith('/passkeys/sign_in'))
      if (!through) expect([verbs, landed?.status]).toEqual([verbs, 503])
    }
    expect(counter).toBeGreaterThan(5)
  })

  test('at any step of a registration: what signs in afterwards is on the list', async () => {
    const clock = turnableClock()
    const failing = failingStore(memoryStore(clock))
    const op = await provider({ clock, store: failing.store })
    const who = await signedIn(op)
    await provePasskey(op.issuer, who, await addPasskey(op.issuer, who))
    const listed = async () =>
      pageOf(await who.open('/account/passkeys')).html.match(/remove\?passkey=/g)?.length ?? 0
    let done = false
    for (let verbs = 0; !done; verbs++) {
      const page = pageOf(await who.open(add))
      const { credential, json } = create(op.issuer, optionsIn<CreationOptions>(page))
      const before = await listed()
      failing.failAfter(verbs)
      const { page: landed } = await answer(who, page, json)
      failing.recover()
      done = landed!.url.endsWith('?done=added')
      if (!done) expect([verbs, landed!.status]).toEqual([verbs, 503])
      const opens = refused(await signInWith(op.issuer, op.fetch, browser(op), credential))[0] !== 401
      expect([verbs, opens]).toEqual([verbs, (await listed()) > before])
    }
  })
})
