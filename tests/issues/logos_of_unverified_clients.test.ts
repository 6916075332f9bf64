/**
 * Issue 8, B.26: the logo of a client that registered itself stood on no page, although the certification wants it on the
 * sign-in page. By a switch it does: fetched by this provider, served from here, beside the warning.
 */
import { afterAll, beforeEach, expect, test } from 'bun:test'
import type { ServerResponse } from 'node:http'
import { pageOf } from '../support/authenticator.ts'
import { alice, browser, open, operatorClient } from '../support/flow.ts'
import { laboratory } from '../support/laboratory.ts'
import { type Provider, provider } from '../support/provider.ts'
import { asClient, registered } from '../support/registration.ts'

const png = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
)
const lab = laboratory()
afterAll(() => lab.close())
let requests = 0
let answer = (response: ServerResponse): void => void response.end(png)
const host = await lab.https('localhost', (_, response) => {
  requests++
  answer(response)
})
const logo = `https://localhost:${host.port}/logo.png`
beforeEach(() => {
  requests = 0
  answer = (response) => void response.writeHead(200, { 'content-type': 'text/html' }).end(png)
})

const start = (env: Record<string, string> = {}) =>
  provider({
    env: {
      REGISTRATION: 'open',
      UNVERIFIED_CLIENT_LOGOS: 'true',
      OUTBOUND_ALLOW_HOSTS: `localhost:${host.port}`,
      OUTBOUND_CA_PATH: lab.caPath,
      ...env,
    },
  })

const client = async (op: Provider, logo_uri = logo) =>
  asClient(
    await registered(op, { client_name: 'Photos', redirect_uris: ['https://app.example/cb'], logo_uri }),
  )

const pathOf = (html: string): string | undefined =>
  /<img class="client_logo" src="([^"]+)"/.exec(html)?.[1]?.replaceAll('&amp;', '&')

async function signInPage(op: Provider, logo_uri?: string) {
  const who = browser(op)
  return { who, page: pageOf(await open(op, who, {}, await client(op, logo_uri))) }
}

test('stand on the sign-in page and the consent page, with the warning, and are served from here', async () => {
  const op = await start()
  const { who, page } = await signInPage(op)
  const consent = pageOf(await who.press(page, 'login', alice))
  for (const { html, headers } of [page, consent]) {
    expect(html).toContain('This app hasn’t been verified.')
    expect(pathOf(html)).toStartWith('/client_logo?')
    expect(headers.get('content-security-policy')).toContain("img-src 'self';")
  }
  expect(requests).toBe(0)
  const served = await op.fetch(pathOf(page.html)!)
  expect(Buffer.from(await served.arrayBuffer())).toEqual(png)
  expect(Object.fromEntries(served.headers)).toMatchObject({
    'content-type': 'image/png',
    'x-content-type-options': 'nosniff',
    'content-security-policy': "default-src 'none'; sandbox",
    'cross-origin-resource-policy': 'same-origin',
    'cache-control': 'private, max-age=3600',
  })
  for (let n = 0; n < 5; n++) await op.fetch(pathOf(consent.html)!)
  expect(requests).toBe(1)
})

const bad: Record<string, (response: ServerResponse) => void> = {
  'SVG with a script': (response) =>
    response.writeHead(200, { 'content-type': 'image/png' }).end('<svg xmlns="http://www.w3.org/2000/svg"/>'),
  'a page': (response) => response.writeHead(200, { 'content-type': 'image/png' }).end('<html>'),
  'too large': (response) => response.end(Buffer.concat([png, Buffer.alloc(200_000)])),
  'a redirect': (response) => response.writeHead(302, { location: 'http://169.254.169.254/' }).end(),
  missing: (response) => response.writeHead(404).end(png),
}
test.each(Object.entries(bad))('are not served: %s. The host is not asked again at once', async (_, say) => {
  answer = say
  const op = await start()
  const { page } = await signInPage(op)
  for (let n = 0; n < 5; n++) expect((await op.fetch(pathOf(page.html)!)).status).toBe(404)
  expect(requests).toBe(1)
})

test.each(['https://10.0.0.1/x.png', 'https://127.0.0.1:1/x.png'])('%s is not requested', async (uri) => {
  const op = await start()
  const { page } = await signInPage(op, uri)
  expect((await op.fetch(pathOf(page.html)!)).status).toBe(404)
  expect(op.lines.filter((line) => line.includes('outbound_failed')).join()).toContain('reason=refused')
})

test('no other URL is fetched by that path', async () => {
  const op = await start()
  const { page } = await signInPage(op)
  const { searchParams } = new URL(pathOf(page.html)!, op.issuer)
  const other = new URLSearchParams({ uri: `${logo}?other`, mac: searchParams.get('mac')! })
  for (const query of [other.toString(), `uri=${encodeURIComponent(logo)}`, ''])
    expect((await op.fetch(`/client_logo?${query}`)).status).toBe(404)
  expect(requests).toBe(0)
})

test('without the switch there are none, and a path from before gives none', async () => {
  const path = pathOf((await signInPage(await start())).page.html)!
  const op = await start({ UNVERIFIED_CLIENT_LOGOS: 'false' })
  const { page } = await signInPage(op)
  expect(pathOf(page.html)).toBeUndefined()
  expect(page.html).not.toContain('logo.png')
  expect((await op.fetch(path)).status).toBe(404)
  expect(requests).toBe(0)
})

test('the logo of a client of the operator is loaded from where it is, as before', async () => {
  const op = await start()
  const logo_uri = 'https://photos.example/logo.png'
  const own = await operatorClient(op, { client_id: 'own', client_name: 'Photos', logo_uri })
  const { html, headers } = pageOf(await open(op, browser(op), {}, own))
  expect(pathOf(html)).toBe(logo_uri)
  expect(headers.get('content-security-policy')).toContain("img-src 'self' https://photos.example;")
})
