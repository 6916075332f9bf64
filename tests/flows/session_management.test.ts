/** Session management: session_state, the cookie behind it, and the page that compares them. The browser's part is in tests/browser. https://openid.net/specs/openid-connect-session-1_0.html */
import { describe, expect, test } from 'bun:test'
import { createHash } from 'node:crypto'
import {
  authorize,
  bob,
  browser,
  browserClient,
  demo,
  open,
  operatorClient,
  read,
  type Authorized,
} from '../support/flow.ts'
import type { Person } from '../support/person.ts'
import { provider } from '../support/provider.ts'

const cookie = 'latchkey_browser_state'
const stateOf = ({ location }: Authorized) => location.searchParams.get('session_state')!

/** What a browser at `origin` would compute, as the specification has it (§3). */
function expected(who: Person, client_id: string, origin: string, session_state: string): string {
  const salt = session_state.split('.')[1]
  const text = `${client_id} ${origin} ${who.cookies.get(cookie) ?? ''} ${salt}`
  return `${createHash('sha256').update(text).digest('base64url')}.${salt}`
}
const origin = new URL(demo.redirect_uri).origin
const holds = (who: Person, session_state: string, client_id = demo.client_id, at = origin) =>
  expected(who, client_id, at, session_state) === session_state

describe('session_state', () => {
  test('is bound to client, origin and browser, and salted', async () => {
    const op = await provider()
    const who = browser(op)
    const [first, second] = [await authorize(op, who), await authorize(op, who)]
    const state = stateOf(first)
    expect(state).not.toContain(' ')
    expect(holds(who, state)).toBe(true)
    expect(holds(who, stateOf(second))).toBe(true)
    expect(stateOf(second)).not.toBe(state)
    expect(holds(who, state, browserClient.client_id)).toBe(false)
    expect(holds(who, state, demo.client_id, 'https://evil.example')).toBe(false)
    const other = browser(op)
    await authorize(op, other)
    expect(holds(other, state)).toBe(false)
  })

  test('changes when somebody signs in, the same person again or another, and when they sign out', async () => {
    const op = await provider()
    const who = browser(op)
    const first = stateOf(await authorize(op, who))
    const again = stateOf(await authorize(op, who, demo, { prompt: 'login' }))
    expect([holds(who, first), holds(who, again)]).toEqual([false, true])
    const bobs = stateOf(await authorize(op, who, demo, { prompt: 'login' }, bob))
    expect([holds(who, again), holds(who, bobs)]).toEqual([false, true])
    await who.press((await who.open('/logout')).page!, 'logout')
    expect(who.cookies.has(cookie)).toBe(false)
    expect(holds(who, bobs)).toBe(false)
  })

  test('comes with success alone, for OpenID Connect, and where there is an origin', async () => {
    const op = await provider()
    const who = browser(op)
    const native = await operatorClient(op, {
      client_id: 'native',
      redirect_uris: ['com.example.app:/callback'],
    })
    expect((await authorize(op, who, native)).location.searchParams.has('session_state')).toBe(false)
    expect(
      (await authorize(op, who, demo, { scope: 'profile' })).location.searchParams.has('session_state'),
    ).toBe(false)
    const refused = await open(op, browser(op), { prompt: 'none' })
    expect(refused.location!.searchParams.get('error')).toBe('login_required')
    expect(refused.location!.searchParams.has('session_state')).toBe(false)
  })
})

describe('the cookie', () => {
  const cookieLine = async (issuer?: string) => {
    const op = await provider(issuer === undefined ? {} : { env: { ISSUER_URL: issuer } })
    const lines: string[] = []
    const watching: typeof op = {
      ...op,
      async fetch(...args) {
        const answer = await op.fetch(...args)
        lines.push(...answer.headers.getSetCookie())
        return answer
      },
    }
    const who = browser(watching)
    await authorize(watching, who)
    return { line: lines.find((each) => each.includes('browser_state'))!, who }
  }

  test('over https: for frames of any site, bound to the host, readable, with nothing in it', async () => {
    const { line } = await cookieLine('https://id.example')
    expect(line).toMatch(/^__Host-latchkey_browser_state=[\w-]{43}; Path=\/; SameSite=None; Secure$/)
  })

  test('over http: no browser would take SameSite=None', async () => {
    const { line, who } = await cookieLine()
    expect(line).toMatch(/^latchkey_browser_state=[\w-]{43}; Path=\/; SameSite=Lax$/)
    const session = who.cookies.get('latchkey_session')!
    const state = who.cookies.get(cookie)!
    for (const part of [session.slice(0, 20), session.slice(20)]) expect(state).not.toContain(part)
  })

  test('is not believed: whoever sets it signs nobody in', async () => {
    const op = await provider()
    const who = browser(op)
    await authorize(op, who)
    const thief = browser(op)
    thief.cookies.set(cookie, who.cookies.get(cookie)!)
    expect((await open(op, thief, { prompt: 'none' })).location!.searchParams.get('error')).toBe(
      'login_required',
    )
  })
})

describe('check_session_iframe', () => {
  test('is for any frame, and loads one script of ours by the name of its content', async () => {
    const op = await provider()
    const { body } = await read(await op.fetch('/.well-known/openid-configuration'))
    expect(body.check_session_iframe).toBe(`${op.issuer}/check_session`)
    const page = await read(await op.fetch('/check_session'))
    expect(page.status).toBe(200)
    const policy = page.headers.get('content-security-policy')!
    expect(policy).toContain('frame-ancestors *')
    expect(policy).toContain("script-src 'self'")
    expect(policy).toContain("default-src 'none'")
    expect(page.headers.has('x-frame-options')).toBe(false)
    expect(page.headers.get('x-content-type-options')).toBe('nosniff')
    expect(page.headers.getSetCookie()).toEqual([])
    expect(page.text).not.toMatch(/<script(?![^>]* src=)|<form|<a |\son\w+=/)
    const [, src] = /<script src="([^"]*)"/.exec(page.text)!
    const script = await op.fetch(src!)
    expect(script.headers.get('content-type')).toStartWith('text/javascript')
    expect(script.headers.get('cache-control')).toContain('immutable')
    expect(await script.text()).toContain('postMessage')
  })

  test('every other page stays out of frames', async () => {
    const op = await provider()
    for (const path of ['/', '/logout', '/nothing'])
      expect(
        (await op.fetch(path, { headers: { accept: 'text/html' } })).headers.get('x-frame-options'),
      ).toBe('DENY')
  })

  test('SESSION_MANAGEMENT=false, or a profile without it: no page, no cookie, no parameter', async () => {
    for (const env of [{ SESSION_MANAGEMENT: 'false' }, { PROFILE: 'mcp' }] as Record<string, string>[]) {
      const op = await provider({ env })
      const { body } = await read(await op.fetch('/.well-known/openid-configuration'))
      expect(body).not.toHaveProperty('check_session_iframe')
      expect((await op.fetch('/check_session')).status).toBe(404)
      const who = browser(op)
      await open(op, who)
      const { page } = await who.open('/logout')
      expect(page!.status).toBe(200)
      expect(who.cookies.has(cookie)).toBe(false)
    }
  })
})
