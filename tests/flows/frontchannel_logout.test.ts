/** Front-channel logout: the page that says one has signed out loads the clients' own pages, and no one else's. https://openid.net/specs/openid-connect-frontchannel-1_0.html */
import { describe, expect, test } from 'bun:test'
import { claimsOf, type ClientMembers, type Json } from '../support/client.ts'
import { browser, operatorClient, outcome, read, tokensOf } from '../support/flow.ts'
import type { Page } from '../support/person.ts'
import { provider, type Provider } from '../support/provider.ts'

const framed = (op: Provider, client_id: string, origin: string, more: ClientMembers = {}) =>
  operatorClient(op, {
    client_id,
    client_name: `App ${client_id}`,
    redirect_uris: [`${origin}/callback`],
    post_logout_redirect_uris: [`${origin}/bye`],
    frontchannel_logout_uri: `${origin}/logout`,
    ...more,
  })

const unescape = (text: string) => text.replaceAll('&amp;', '&').replaceAll('&#x27;', "'")
const framesOf = ({ html }: Page) =>
  [...html.matchAll(/<iframe src="([^"]*)"/g)].map(([, src]) => unescape(src!))
const refreshOf = ({ html }: Page) =>
  unescape(/<meta http-equiv="refresh" content="([^"]*)"/.exec(html)?.[1] ?? 'none')
const frameSources = ({ headers }: Page) =>
  /frame-src ([^;]*)/.exec(headers.get('content-security-policy')!)?.[1]

describe('the page after signing out', () => {
  test('has a frame for each client that asked, with issuer and session; the policy allows those origins alone', async () => {
    const op = await provider()
    const who = browser(op)
    const one = await framed(op, 'one', 'https://one.example')
    const two = await framed(op, 'two', 'https://two.example:8443', {
      frontchannel_logout_uri: 'https://two.example:8443/x?y=1&z=%27',
      frontchannel_logout_session_required: true,
    })
    await framed(op, 'unused', 'https://unused.example')
    const { sid } = claimsOf((await tokensOf(op, who, one)).id_token)
    await tokensOf(op, who, two)
    await tokensOf(op, who)
    const asked = (await who.open('/logout')).page!
    expect(framesOf(asked)).toEqual([])
    expect(asked.html).toContain('Your browser will also ask')
    const page = (await who.press(asked, 'logout')).page!
    const query = new URLSearchParams({ iss: op.issuer, sid: String(sid) })
    expect(framesOf(page)).toEqual([
      `https://one.example/logout?${query}`,
      `https://two.example:8443/x?y=1&z=%27&${query}`,
    ])
    expect(frameSources(page)).toBe('https://one.example https://two.example:8443')
    for (const [, attributes] of page.html.matchAll(/<iframe([^>]*)>/g)) {
      expect(attributes).toContain('sandbox=')
      expect(attributes).not.toContain('allow-top-navigation')
    }
    expect(page.html).toContain('This page is also asking')
    expect(page.html.indexOf('App one')).toBeLessThan(page.html.indexOf('We can’t notify these apps'))
    expect(page.html.indexOf('Demo client')).toBeGreaterThan(page.html.indexOf('We can’t notify these apps'))
    expect(page.html).not.toContain('App unused')
    expect(refreshOf(page)).toBe('none') // nowhere to go on to
    expect(await outcome(op, who, { prompt: 'none' })).toBe('error:login_required')
  })

  test('leads on to where the client asked, by itself and by a link, state and all', async () => {
    const op = await provider()
    const who = browser(op)
    const client = await framed(op, 'one', 'https://one.example')
    const { id_token } = await tokensOf(op, who, client)
    const query = new URLSearchParams({
      id_token_hint: id_token,
      post_logout_redirect_uri: 'https://one.example/bye',
      state: 'a "b" <c>;url=https://evil.example',
    })
    const page = (await who.open(`/logout?${query}`)).page!
    expect(framesOf(page)).toHaveLength(1)
    const onward = `https://one.example/bye?state=${encodeURIComponent(query.get('state')!)}`.replaceAll(
      "'",
      '%27',
    )
    expect(refreshOf(page)).toBe(`5; url=${onward}`)
    expect(unescape(page.html)).toContain(`href="${onward}"`)
    expect(page.html).not.toContain('<c>')
  })

  test('leads on to an app with a scheme of its own by way of us', async () => {
    const op = await provider()
    const who = browser(op)
    const client = await framed(op, 'app', 'https://one.example', {
      post_logout_redirect_uris: ['com.example.app:/bye'],
    })
    const { id_token } = await tokensOf(op, who, client)
    const post_logout_redirect_uri = 'com.example.app:/bye'
    const query = new URLSearchParams({ id_token_hint: id_token, post_logout_redirect_uri, state: 's' })
    const page = (await who.open(`/logout?${query}`)).page!
    const onward = refreshOf(page).replace(/^5; url=/, '')
    expect(onward).toStartWith('/logout?')
    const { location } = await who.open(onward)
    expect(location!.href).toBe('com.example.app:/bye?state=s')
  })

  test('without a session there is nothing to load', async () => {
    const op = await provider()
    await framed(op, 'one', 'https://one.example')
    const page = (await browser(op).open('/logout?client_id=one')).page!
    expect(framesOf(page)).toEqual([])
    expect(frameSources(page)).toBeUndefined()
  })

  test('each frame names the session as its client knows it', async () => {
    const op = await provider()
    const who = browser(op)
    const clients = [
      await framed(op, 'one', 'https://one.example', { subject_type: 'pairwise' }),
      await framed(op, 'two', 'https://two.example', { subject_type: 'pairwise' }),
    ]
    const known = []
    for (const client of clients) known.push(claimsOf((await tokensOf(op, who, client)).id_token).sid)
    const page = (await who.press((await who.open('/logout')).page!, 'logout')).page!
    const told = framesOf(page).map((url) => new URL(url).searchParams.get('sid'))
    expect(told.toSorted()).toEqual(known.map(String).toSorted())
    expect(new Set(told).size).toBe(2)
  })

  test('on a loopback address that a policy cannot name, the scheme has to do', async () => {
    const op = await provider()
    const who = browser(op)
    await tokensOf(op, who, await framed(op, 'one', 'http://[::1]:8080'))
    const page = (await who.press((await who.open('/logout')).page!, 'logout')).page!
    expect(frameSources(page)).toBe('http:')
  })
})

describe('what may be loaded', () => {
  const register = async (op: Provider, more: Json) =>
    read(
      await op.fetch('/register', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ redirect_uris: ['https://app.example/callback'], ...more }),
      }),
    )

  test('a page at the origin of a redirect URI', async () => {
    const asked = {
      frontchannel_logout_uri: 'https://app.example/logout?a=b',
      frontchannel_logout_session_required: true,
    }
    const { status, body } = await register(await provider(), asked)
    expect(status).toBe(201)
    expect({ ...body }).toMatchObject(asked)
  })

  test.each([
    'https://evil.example/logout',
    'http://app.example/logout',
    'https://app.example:444/logout',
    'https://sub.app.example/logout',
    'https://app.example.evil.example/logout',
    'https://app.example@evil.example/logout',
    'https://app.example/logout#x',
    'https://app.example/a b',
    "https://app.example/'; script-src *",
    'javascript:alert(1)',
    'data:text/html,x',
    'com.example.app:/logout',
    '//app.example/logout',
    '',
  ])('and never %s', async (frontchannel_logout_uri) => {
    const { status, body } = await register(await provider(), { frontchannel_logout_uri })
    expect([status, body.error]).toEqual([400, 'invalid_client_metadata'])
  })
})

test('discovery offers it', async () => {
  const { body } = await read(await (await provider()).fetch('/.well-known/openid-configuration'))
  expect({ ...body }).toMatchObject({
    frontchannel_logout_supported: true,
    frontchannel_logout_session_supported: true,
  })
})
