/** Every form of an error response carries error_uri. https://www.rfc-editor.org/rfc/rfc6749#section-4.1.2.1 */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import type { ServedProvider } from '../browser/served.ts'
import { authorizationUrl, claimsOf, demo, formPost } from '../support/client.ts'
import { explainedAt, serveLab } from './explained.ts'

let op: ServedProvider
beforeAll(async () => {
  op = await serveLab()
})
afterAll(() => op.stop())

const refusedBy = (more: Record<string, string | undefined> = {}) =>
  op.fetch(authorizationUrl(op.issuer, demo, { scope: 'nonsense', ...more }).url)

const locationOf = (response: Response) => new URL(response.headers.get('location')!, op.issuer)

const forms: Record<string, () => Promise<string | null | undefined>> = {
  query: async () => locationOf(await refusedBy()).searchParams.get('error_uri'),
  fragment: async () => {
    const { hash } = locationOf(await refusedBy({ response_mode: 'fragment' }))
    return new URLSearchParams(hash.slice(1)).get('error_uri')
  },
  'form post': async () => {
    const html = await (await refusedBy({ response_mode: 'form_post' })).text()
    return /name="error_uri" value="([^"]+)"/.exec(html)?.[1]?.replaceAll('&#x3D;', '=')
  },
  JARM: async () => {
    const jwt = locationOf(await refusedBy({ response_mode: 'jwt' })).searchParams.get('response')
    return String(claimsOf(jwt).error_uri)
  },
  page: async () => {
    const html = await (await refusedBy({ client_id: 'nobody' })).text()
    return /href="([^"]+\/lab\/error[^"]+)"/.exec(html)?.[1]
  },
  ...Object.fromEntries(
    ['/token', '/par', '/revoke', '/introspect', '/device_authorization', '/bc-authorize'].map((path) => [
      `JSON of ${path}`,
      async () => {
        const answer = await op.fetch(path, formPost({ ...demo, client_secret: 'wrong' }, { token: 'x' }))
        return ((await answer.json()) as { error_uri?: string }).error_uri
      },
    ]),
  ),
  'JSON of /userinfo': async () =>
    ((await (await op.fetch('/userinfo')).json()) as { error_uri?: string }).error_uri,
  'JSON of /register': async () => {
    const init = { method: 'POST', body: '{}', headers: { 'content-type': 'application/json' } }
    return ((await (await op.fetch('/register', init)).json()) as { error_uri?: string }).error_uri
  },
}

for (const [form, uriOf] of Object.entries(forms))
  test(form, async () => {
    const uri = await uriOf()
    expect(uri).toStartWith(`${op.issuer}/lab/error?id=`)
    expect((await explainedAt(op, uri!)).status).toBe(200)
  })

test('the page leads to the flow that the recorder has of the request', async () => {
  const refused = await op.fetch('/token', formPost(demo, { grant_type: 'authorization_code', code: 'x' }))
  const { error_uri = '' } = (await refused.json()) as { error_uri?: string }
  const { html } = await explainedAt(op, error_uri)
  const path = /href="(\/lab\/flow\?id=[^"]+)"/.exec(html)?.[1]
  const flow = await op.fetch(path!)
  expect([flow.status, await flow.text()]).toEqual([200, expect.stringContaining('invalid_grant')])
})

test('an answer that is no refusal has none', async () => {
  const url = authorizationUrl(op.issuer, demo).url
  expect(locationOf(await op.fetch(url)).searchParams.has('error_uri')).toBe(false)
  const tokens = await op.fetch('/token', formPost(demo, { grant_type: 'client_credentials' }))
  expect(Object.keys((await tokens.json()) as object)).not.toContain('error_uri')
})
