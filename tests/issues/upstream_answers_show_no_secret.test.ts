/** The first 200 characters of an answer of an upstream provider are logged: they could repeat the code, a token or the client_secret, or be tokens. */
import { expect, test } from 'bun:test'
import { browser } from '../support/flow.ts'
import { provider } from '../support/provider.ts'
import { type Answer, leaveFor, server, upstreamEnv } from '../support/upstream.ts'

/** The log after a return from a provider whose token endpoint, or userinfo endpoint, answers so. */
async function linesOf(
  answers: Record<'/token' | '/userinfo', Answer>,
  kind: 'oidc' | 'oauth2' = 'oidc',
): Promise<string> {
  const there = server()
  const endpoints = {
    authorization_endpoint: `${there.origin}/authorize`,
    token_endpoint: `${there.origin}/token`,
    userinfo_endpoint: `${there.origin}/userinfo`,
  }
  Object.assign(there.routes, answers, {
    '/.well-known/openid-configuration': () => ({
      issuer: there.origin,
      ...endpoints,
      jwks_uri: `${there.origin}/jwks`,
      token_endpoint_auth_methods_supported: ['client_secret_post'],
    }),
  })
  const corp = {
    id: 'corp',
    provider: kind,
    label: 'Corp',
    client_secret: 'secret of ours/+',
    ...(kind === 'oidc' ? { base_url: there.origin } : endpoints),
  }
  const op = await provider({ env: upstreamEnv([corp], [there]) })
  const who = browser(op)
  const state = (await leaveFor(who, 'corp')).searchParams.get('state') ?? ''
  await who.open(`/upstream/callback/corp?${new URLSearchParams({ state, code: 'CODE/of+theirs' })}`)
  there.stop()
  const lines = op.lines.filter((line) => line.includes('upstream_failed'))
  expect(lines).toHaveLength(1)
  return lines[0]!
}

const noUserinfo = { '/userinfo': () => undefined }

test('a token endpoint that repeats the request', async () => {
  let verifier = ''
  const line = await linesOf({
    ...noUserinfo,
    '/token': ({ form, text }) => {
      verifier = form.code_verifier ?? ''
      return new Response(
        `no: ${text} ${form.code} ${form.client_secret}`.replace(/redirect_uri=[^&]*&/, ''),
        {
          status: 400,
        },
      )
    },
  })
  expect(verifier).not.toBe('')
  expect(line).toContain('the token endpoint answered 400: no: ')
  expect(line).toContain('grant_type=authorization_code')
  for (const secret of [verifier, 'CODE/of', 'CODE%2Fof', 'secret of ours', 'secret+of+ours'])
    expect(line).not.toContain(secret)
})

test('tokens with another status than 200', async () => {
  const line = await linesOf({
    ...noUserinfo,
    '/token': () => Response.json({ access_token: 'TOKEN of theirs', token_type: 'Bearer' }, { status: 201 }),
  })
  expect(line).toContain('the token endpoint answered 201')
  expect(line).not.toContain('TOKEN')
})

test('a userinfo endpoint that repeats the access token', async () => {
  const line = await linesOf(
    {
      '/token': () => ({ access_token: 'TOKEN/of+theirs', token_type: 'Bearer' }),
      '/userinfo': ({ headers }) => new Response(`no: ${headers.get('authorization')}`, { status: 403 }),
    },
    'oauth2',
  )
  expect(line).toContain('userinfo answered 403: no: Bearer (secret)')
  expect(line).not.toContain('TOKEN')
})
