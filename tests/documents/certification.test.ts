/** docs/certification.md: its commands are run, its variables are those of the script, and the suite's JSON fits the provider that they start. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Json } from '../support/client.ts'
import { blocksOf, document, isShell, reader, reasonNotToRun } from '../support/document.ts'
import { freePort } from '../support/free_port.ts'
import { spawnProvider } from '../support/provider.ts'

const markdown = document('docs/certification.md')
const visitor = reader()
afterAll(() => visitor.remove())

const plans = ['oidc', 'fapi2', 'ciba', 'fapi1']
const longEnough = 120_000
const text = (plan: string, name: string) =>
  readFileSync(join(visitor.folder, 'certification', plan, name), 'utf8')
const json = (plan: string, name: string) => JSON.parse(text(plan, name)) as Json
const environment = (plan: string): Record<string, string> =>
  Object.fromEntries(
    text(plan, 'provider.env')
      .trim()
      .split('\n')
      .map((line) => /^(\w+)="(.*)"$/.exec(line)!.slice(1) as [string, string]),
  )

beforeAll(async () => {
  const runs = await visitor.read(markdown, 'http://localhost:5000')
  const ran = new Set(runs.map((run) => run.block.line))
  for (const block of blocksOf(markdown))
    if (isShell(block) && !ran.has(block.line)) expect(reasonNotToRun(block)).toBeString()
}, longEnough)

describe.each(plans)('%s', (plan) => {
  test('the variables of the document are those that the script writes', () => {
    const shown = blocksOf(markdown).find(({ language, note }) => language === 'env' && note === plan)
    expect(shown?.text).toBe(text(plan, 'provider.env'))
  })

  test(
    'the configuration of the suite fits the provider and its clients',
    async () => {
      const env = environment(plan)
      const path = join(visitor.folder, `certification/${plan}/latchkey.db`)
      const port = `${freePort()}`
      const op = await spawnProvider({ ...env, STORE_URL: `sqlite:${path}`, PORT: port })
      try {
        const local = `http://127.0.0.1:${port}`
        const suite = json(plan, 'suite.json') as Json & { server: { discoveryUrl: string } }
        const { pathname, origin } = new URL(suite.server.discoveryUrl)
        expect(origin).toBe(env.ISSUER_URL!)
        const answer = await fetch(local + pathname, { headers: { 'x-forwarded-proto': 'https' } })
        expect(answer.status).toBe(200)
        const metadata = (await answer.json()) as Json
        expect(metadata.issuer).toBe(origin)
        if (plan === 'oidc') {
          expect(metadata).toMatchObject({ registration_endpoint: `${origin}/register` })
          expect(metadata.response_types_supported).toContain('code id_token token')
          return
        }
        for (const name of ['client', 'client2']) {
          const given = suite[name] as { client_id: string; scope: string; jwks: { keys: Json[] } }
          const registered = json(plan, `${name}.json`) as { scope: string; jwks: { keys: Json[] } }
          expect(given.client_id).toBe(`${plan}-${name}`)
          expect(registered.scope.split(' ')).toEqual(expect.arrayContaining(given.scope.split(' ')))
          expect(given.jwks.keys[0]).toMatchObject(registered.jwks.keys[0]!)
          expect(given.jwks.keys[0]).toHaveProperty('d')
          expect(registered.jwks.keys[0]).not.toHaveProperty('d')
          // Registered: another client is unknown, with another page.
          const query = new URLSearchParams({ client_id: given.client_id })
          const page = await fetch(`${local}/authorize?${query}`, { redirect: 'manual' })
          expect(await page.text()).not.toContain('is not registered here')
        }
        const { resourceUrl } = suite.resource as { resourceUrl: string }
        expect([
          metadata.userinfo_endpoint,
          (metadata.mtls_endpoint_aliases as Json | undefined)?.userinfo_endpoint,
        ]).toContain(resourceUrl)
        const wanted: Record<string, Json> = {
          fapi2: { require_pushed_authorization_requests: true },
          ciba: {
            backchannel_authentication_endpoint: `${origin}/bc-authorize`,
            tls_client_certificate_bound_access_tokens: true,
          },
          fapi1: { request_parameter_supported: true, tls_client_certificate_bound_access_tokens: true },
        }
        expect(metadata).toMatchObject(wanted[plan]!)
        expect(metadata.id_token_signing_alg_values_supported).not.toContain('RS256')
      } finally {
        await op.stop()
      }
    },
    longEnough,
  )
})

test('the pages have the fields that the browser of the suite fills in', () => {
  const login = document('views/login.html')
  for (const name of ['username', 'password', 'login']) expect(login).toContain(`name="${name}"`)
  expect(document('views/consent.html')).toContain('name="allow"')
})
