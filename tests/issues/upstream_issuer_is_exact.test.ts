/** A discovery document whose issuer had a slash more than the configured one was accepted. Issue 8, 70; ASVS 10.5.3, OpenID Connect Discovery §4.3 */
import { afterAll, describe, expect, test } from 'bun:test'
import { loadConfig } from '../../src/config.ts'
import { metadataOf } from '../../src/features/upstream/discovery.ts'
import { findUpstream } from '../../src/features/upstream/settings.ts'
import { featureEntries } from '../../src/table.ts'
import { provider } from '../support/provider.ts'
import { server, upstreamEnv } from '../support/upstream.ts'

const at = server()
afterAll(at.stop)

async function discovered(configured: string, stated: string, path: string): Promise<string> {
  at.routes[`${path}/.well-known/openid-configuration`] = () => ({
    issuer: stated,
    authorization_endpoint: `${at.origin}/authorize`,
    token_endpoint: `${at.origin}/token`,
    jwks_uri: `${at.origin}/keys`,
  })
  const env = upstreamEnv([{ id: 'corp', provider: 'oidc', base_url: configured }], [at])
  const op = await provider({ env })
  const { issuer } = await metadataOf(op.context, findUpstream(op.context.config, 'corp')!)
  return issuer
}

describe.each(['', '/tenant'])('an issuer with path %p', (path) => {
  const issuer = `${at.origin}${path}`

  test('is taken as configured, with and without its slash', async () => {
    for (const each of [issuer, `${issuer}/`]) expect(await discovered(each, each, path)).toBe(each)
  })

  test('is refused when it differs by one character', async () => {
    for (const [configured, stated] of [
      [issuer, `${issuer}/`],
      [`${issuer}/`, issuer],
      [`${issuer}/`, `${issuer}//`],
      [issuer, issuer.replace('localhost', 'LOCALHOST')],
      [issuer, `${issuer}?`],
    ] as const)
      await expect(discovered(configured, stated, path)).rejects.toThrow(/character by character/)
  })
})

test('UPSTREAM_OIDC_ISSUER stays as it is written', () => {
  for (const written of ['https://corp.example/', 'https://corp.example', 'https://Corp.example/a/']) {
    const config = loadConfig(
      { UPSTREAM_OIDC_ISSUER: written, UPSTREAM_OIDC_CLIENT_ID: 'a', UPSTREAM_OIDC_CLIENT_SECRET: 'b' },
      { featureEntries },
    )
    expect(findUpstream(config, 'oidc')!.configured).toBe(written)
  }
})
