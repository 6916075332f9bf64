/** Each provider as its documentation says it answers: what it is asked, and what is believed of it. */
import { afterAll, describe, expect, test } from 'bun:test'
import { createHmac } from 'node:crypto'
import { decodeProtectedHeader, exportPKCS8, importJWK, jwtVerify, type JWTPayload } from 'jose'
import { rows } from '../../src/features/upstream/providers.ts'
import { User } from '../../src/models/user.ts'
import { person } from '../support/person.ts'
import { type Provider, provider } from '../support/provider.ts'
import {
  comeBack,
  leaveFor,
  type Member,
  type Server,
  server,
  signer,
  upstreamEnv,
  whoIs,
} from '../support/upstream.ts'

const keys = await signer('RS256')
const open: Server[] = []
afterAll(() => open.forEach((each) => each.stop()))

function serve(): Server {
  const made = server()
  open.push(made)
  return made
}

const clientId = 'our-id'
const accessToken = 'an-access-token'

/** A discovery document and keys at `base`, and a token endpoint that answers with an ID Token of `claims`. */
function openId(
  at: Server,
  path: string,
  claims: (nonce: string) => JWTPayload,
  more: Record<string, unknown> = {},
) {
  const base = `${at.origin}${path}`
  let nonce = ''
  at.routes[`${path}/.well-known/openid-configuration`] = () => ({
    issuer: base,
    authorization_endpoint: `${base}/authorize`,
    token_endpoint: `${base}/token`,
    jwks_uri: `${base}/keys`,
    ...more,
  })
  at.routes[`${path}/keys`] = () => ({ keys: [keys.jwk] })
  at.routes[`${path}/token`] = async () => ({
    access_token: accessToken,
    token_type: 'Bearer',
    expires_in: 3600,
    id_token: await keys.sign({
      iss: base,
      aud: clientId,
      iat: Math.floor(Date.now() / 1000),
      exp: Math.floor(Date.now() / 1000) + 300,
      ...claims(nonce),
    }),
  })
  return { base, heed: (away: URL) => (nonce = away.searchParams.get('nonce') ?? '') }
}

/** A provider of ours with one upstream, and a browser that went there and came back. */
async function visit(member: Partial<Member> & { provider: string }, at: Server, heed?: (away: URL) => void) {
  const whole = { id: member.provider, base_url: at.origin, ...member }
  const op = await provider({ env: upstreamEnv([whole], [at]) })
  const browser = person(op.issuer, op.fetch)
  const away = await leaveFor(browser, whole.id)
  heed?.(away)
  const landing = await comeBack(op, browser, whole.id, away)
  return { op, browser, away, landing }
}

async function made(op: Provider, username: string) {
  const user = await User.findByUsername(op.context, username)
  if (!user) throw new Error(`there is no ${username}:\n${op.lines.slice(-5).join('\n')}`)
  return user
}

const tokenRequest = (at: Server) =>
  at.asked.find(({ path, method }) => path.endsWith('token') && method === 'POST')!

test('every row says where its documentation is, and no two share a name', () => {
  for (const row of rows)
    expect([row.name, row.documentation.every((each) => each.startsWith('https://'))]).toEqual([
      row.name,
      true,
    ])
  expect(new Set(rows.map(({ name }) => name)).size).toBe(rows.length)
  expect(rows.map(({ name }) => name).sort()).toEqual(
    'apple discord facebook github gitlab google linkedin microsoft oauth2 oidc slack spotify'.split(' '),
  )
})

describe('google', () => {
  const claims =
    (email: string, more = {}) =>
    (nonce: string) => ({
      sub: '110169484474386276334',
      email,
      email_verified: true,
      name: 'Gina Google',
      given_name: 'Gina',
      family_name: 'Google',
      azp: clientId,
      nonce,
      ...more,
    })
  const come = (email: string, more = {}, member = {}) => {
    const at = serve()
    const { heed } = openId(at, '', claims(email, more))
    return visit({ provider: 'google', ...member }, at, heed)
  }

  test('asks with PKCE and a nonce; an address of gmail.com is proof', async () => {
    const { op, away, browser } = await come('gina@gmail.com')
    expect(Object.fromEntries(away.searchParams)).toMatchObject({
      response_type: 'code',
      client_id: clientId,
      redirect_uri: `${op.issuer}/upstream/callback/google`,
      scope: 'openid email profile',
      code_challenge_method: 'S256',
    })
    expect(await whoIs(browser)).toBe('gina')
    expect((await made(op, 'gina')).claims).toMatchObject({
      email: 'gina@gmail.com',
      email_verified: true,
      name: 'Gina Google',
      given_name: 'Gina',
    })
  })

  test('of another domain it is none, unless that is hosted there', async () => {
    const { op } = await come('gina@corp.example')
    expect((await made(op, 'gina')).claims.email_verified).toBe(false)
    const hosted = await come('gina@corp.example', { hd: 'corp.example' })
    expect((await made(hosted.op, 'gina')).claims.email_verified).toBe(true)
  })

  test('with a hosted domain only its people come in', async () => {
    const member = { hosted_domain: 'corp.example' }
    const good = await come('gina@corp.example', { hd: 'corp.example' }, member)
    expect([good.away.searchParams.get('hd'), await whoIs(good.browser)]).toEqual(['corp.example', 'gina'])
    const bad = await come('gina@gmail.com', {}, member)
    expect([bad.landing.page?.status, await whoIs(bad.browser)]).toEqual([403, undefined])
  })
})

describe('microsoft', () => {
  const tid = '72f988bf-86f1-41af-91ab-2d7cd011db47'
  const consumers = '9188040d-6c67-4c5b-b112-36a304b66dad'
  const come = (tenant: string, claims: Record<string, unknown>, says = '{tenantid}') => {
    const at = serve()
    const { base, heed } = openId(at, `/${tenant}/v2.0`, (nonce) => ({
      sub: 'AAAAAAAAAAAAAAAAAAAAAIkzqFVrSaSaFHy782bbtaQ',
      name: 'Mike Microsoft',
      preferred_username: 'mike@corp.example',
      email: 'mike@corp.example',
      nonce,
      ...claims,
    }))
    const document = at.routes[`/${tenant}/v2.0/.well-known/openid-configuration`]!
    at.routes[`/${tenant}/v2.0/.well-known/openid-configuration`] = (asked) => ({
      ...(document(asked) as object),
      issuer: base.replace(tenant, says),
    })
    return visit({ provider: 'microsoft', tenant }, at, heed)
  }
  const issuer = (of: string) => ({ tid: of })

  test('the issuer is that of the tenant; without xms_edov an address proves nothing', async () => {
    const at = serve()
    const { base, heed } = openId(
      at,
      '/common/v2.0',
      (nonce) => ({
        iss: `${at.origin}/${tid}/v2.0`,
        tid,
        sub: 'subject-of-mike',
        email: 'alice@example.com',
        name: 'Mike Microsoft',
        preferred_username: 'mike@corp.example',
        nonce,
      }),
      { issuer: `${at.origin}/{tenantid}/v2.0` },
    )
    expect(base).toContain('/common/')
    const { op, browser } = await visit({ provider: 'microsoft' }, at, heed)
    const name = await whoIs(browser)
    expect(name).toBe('alice2')
    // Somebody else's address, unproven: it is not kept at all.
    expect((await made(op, 'alice2')).claims.email).toBeUndefined()
  })

  test('an issuer that is not that of its tenant, and a personal account where there may be none, are refused', async () => {
    const wrong = await come('common', {
      ...issuer(tid),
      iss: 'https://login.microsoftonline.com/other/v2.0',
    })
    expect([wrong.landing.page?.status, await whoIs(wrong.browser)]).toEqual([502, undefined])
    const at = serve()
    const { heed } = openId(
      at,
      '/organizations/v2.0',
      (nonce) => ({
        iss: `${at.origin}/${consumers}/v2.0`,
        tid: consumers,
        sub: 's',
        name: 'x',
        email: 'x@y.example',
        nonce,
      }),
      { issuer: `${at.origin}/{tenantid}/v2.0` },
    )
    const personal = await visit({ provider: 'microsoft', tenant: 'organizations' }, at, heed)
    expect([personal.landing.page?.status, await whoIs(personal.browser)]).toEqual([502, undefined])
  })

  test('xms_edov makes it proof', async () => {
    const at = serve()
    const { heed } = openId(at, `/${tid}/v2.0`, (nonce) => ({
      tid,
      sub: 'subject-of-mike',
      email: 'mike@corp.example',
      xms_edov: true,
      name: 'Mike Microsoft',
      nonce,
    }))
    const { op } = await visit({ provider: 'microsoft', tenant: tid }, at, heed)
    expect((await made(op, 'mike')).claims).toMatchObject({
      email: 'mike@corp.example',
      email_verified: true,
    })
  })
})

test('github: no ID Token; the address and whether it is verified come from a list of their own', async () => {
  const at = serve()
  at.routes['/login/oauth/access_token'] = () => ({
    access_token: accessToken,
    scope: 'read:user,user:email',
    token_type: 'bearer',
  })
  at.routes['/api/v3/user'] = () => ({
    id: 583231,
    login: 'octocat',
    name: 'The Octocat',
    email: 'public@octo.example',
  })
  at.routes['/api/v3/user/emails'] = () => [
    { email: 'other@octo.example', primary: false, verified: true, visibility: null },
    { email: 'octocat@octo.example', primary: true, verified: true, visibility: 'private' },
  ]
  const { op, browser, away } = await visit({ provider: 'github' }, at)
  expect([away.pathname, away.searchParams.get('scope'), away.searchParams.get('nonce')]).toEqual([
    '/login/oauth/authorize',
    'read:user user:email',
    null,
  ])
  const exchange = at.asked.find(({ path }) => path === '/login/oauth/access_token')!
  expect(exchange.headers.get('accept')).toBe('application/json')
  expect(await whoIs(browser)).toBe('octocat')
  expect((await made(op, 'octocat')).claims).toMatchObject({
    email: 'octocat@octo.example',
    email_verified: true,
  })
  expect(
    at.asked
      .filter(({ path }) => path.startsWith('/api/'))
      .map(({ headers }) => headers.get('authorization')),
  ).toEqual([`Bearer ${accessToken}`, `Bearer ${accessToken}`])
})

test('github says 200 with the error inside', async () => {
  const at = serve()
  at.routes['/login/oauth/access_token'] = () => ({
    error: 'bad_verification_code',
    error_description: 'The code passed is incorrect or expired.',
  })
  const { landing, browser } = await visit({ provider: 'github' }, at)
  expect([landing.page?.status, await whoIs(browser)]).toEqual([502, undefined])
})

test('gitlab: the ID Token names the person, userinfo says the rest', async () => {
  const at = serve()
  const { heed } = openId(at, '', (nonce) => ({ sub: '4711', auth_time: 1, nonce }), {
    userinfo_endpoint: `${at.origin}/oauth/userinfo`,
  })
  at.routes['/oauth/userinfo'] = () => ({
    sub: '4711',
    name: 'Tanuki',
    nickname: 'tanuki',
    email: 'tanuki@lab.example',
    email_verified: true,
    groups: ['x'],
  })
  const { op } = await visit({ provider: 'gitlab' }, at, heed)
  expect((await made(op, 'tanuki')).claims).toMatchObject({
    email: 'tanuki@lab.example',
    email_verified: true,
  })
})

test('facebook: the proof of the secret goes with each call, and no address is proof', async () => {
  const at = serve()
  at.routes['/v21.0/oauth/access_token'] = () => ({
    access_token: accessToken,
    token_type: 'bearer',
    expires_in: 5183944,
  })
  at.routes['/v21.0/me'] = () => ({
    id: '10158',
    name: 'Fay Face',
    first_name: 'Fay',
    last_name: 'Face',
    email: 'alice@example.com',
  })
  const { op, away, browser } = await visit({ provider: 'facebook' }, at)
  expect(away.pathname).toBe('/v21.0/dialog/oauth')
  const proof = createHmac('sha256', 'our-secret').update(accessToken).digest('hex')
  expect(at.asked.find(({ path }) => path === '/v21.0/me')!.query.appsecret_proof).toBe(proof)
  const name = await whoIs(browser)
  expect(name).toBe('alice2')
  expect((await made(op, name!)).claims.email).toBeUndefined()
})

test('linkedin: neither PKCE nor a nonce in its ID Token', async () => {
  const at = serve()
  const { heed } = openId(at, '/oauth', () => ({
    sub: '782bbtaQ',
    name: 'Lin Kedin',
    email: 'lin@work.example',
    email_verified: 'true',
    locale: 'en-US',
  }))
  const { op, away } = await visit({ provider: 'linkedin', base_url: `${at.origin}/oauth` }, at, heed)
  expect(away.searchParams.get('code_challenge')).toBeNull()
  expect(tokenRequest(at).form).not.toHaveProperty('code_verifier')
  expect((await made(op, 'lin')).claims).toMatchObject({
    email: 'lin@work.example',
    email_verified: true,
    locale: 'en-US',
  })
})

test('discord: verified is its own word for it', async () => {
  for (const verified of [true, false]) {
    const at = serve()
    at.routes['/api/oauth2/token'] = () => ({
      access_token: accessToken,
      token_type: 'Bearer',
      expires_in: 604800,
      refresh_token: 'r',
      scope: 'identify email',
    })
    at.routes['/api/users/@me'] = () => ({
      id: '80351110224678912',
      username: 'nelly',
      global_name: 'Nelly',
      avatar: null,
      verified,
      email: 'nelly@discord.example',
      locale: 'en-US',
    })
    const { op } = await visit({ provider: 'discord' }, at)
    expect(tokenRequest(at).headers.get('authorization')).toBe(`Basic ${btoa('our-id:our-secret')}`)
    expect((await made(op, 'nelly')).claims).toMatchObject({
      email: 'nelly@discord.example',
      email_verified: verified,
      name: 'Nelly',
    })
  }
})

test('spotify: an address as it was typed, which proves nothing', async () => {
  const at = serve()
  at.routes['/api/token'] = () => ({
    access_token: accessToken,
    token_type: 'Bearer',
    expires_in: 3600,
    refresh_token: 'r',
    scope: 'user-read-email',
  })
  at.routes['/v1/me'] = () => ({
    id: 'wizzler',
    display_name: 'JM Wizzler',
    email: 'wizzler@music.example',
    images: [],
  })
  const { op } = await visit({ provider: 'spotify' }, at)
  expect(tokenRequest(at).form.code_verifier).toMatch(/^[\w-]{43}$/)
  expect((await made(op, 'wizzler')).claims).toMatchObject({
    email: 'wizzler@music.example',
    email_verified: false,
  })
})

test('slack: a user id is one in its workspace alone', async () => {
  const come = async (team: string, op: Provider, at: Server) => {
    const { heed } = openId(at, '', (nonce) => ({
      sub: 'U0R7MFMJM',
      'https://slack.com/team_id': team,
      'https://slack.com/user_id': 'U0R7MFMJM',
      email: `${team.toLowerCase()}@slack.example`,
      email_verified: true,
      name: 'Sally',
      nonce,
    }))
    const browser = person(op.issuer, op.fetch)
    const away = await leaveFor(browser, 'slack')
    heed(away)
    await comeBack(op, browser, 'slack', away)
    return whoIs(browser)
  }
  const at = serve()
  const op = await provider({
    env: upstreamEnv([{ id: 'slack', provider: 'slack', base_url: at.origin }], [at]),
  })
  expect([await come('TONE', op, at), await come('TTWO', op, at), await come('TONE', op, at)]).toEqual([
    'tone',
    'ttwo',
    'tone',
  ])
})

describe('apple', () => {
  const pem = async () => {
    const own = await signer('ES256', 'apple-key')
    return { own, private_key: await exportPKCS8(own.privateKey) }
  }
  const come = async (user?: string) => {
    const at = serve()
    const { heed } = openId(at, '', (nonce) => ({
      sub: '000792.d71059',
      email: 'ada@private.example',
      email_verified: 'true',
      nonce,
      nonce_supported: true,
    }))
    const { own, private_key } = await pem()
    const member = {
      id: 'apple',
      provider: 'apple',
      base_url: at.origin,
      team_id: 'TEAM123456',
      key_id: 'KEY1234567',
      private_key,
    }
    const op = await provider({ env: upstreamEnv([member], [at]) })
    const browser = person(op.issuer, op.fetch)
    const away = await leaveFor(browser, 'apple')
    heed(away)
    const fields = new URLSearchParams({
      state: away.searchParams.get('state')!,
      code: 'c',
      ...(user && { user }),
    })
    // As a browser posts from another site: without cookies that are SameSite=Lax.
    const posted = await op.fetch('/upstream/callback/apple', {
      method: 'POST',
      body: fields.toString(),
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        origin: 'https://appleid.apple.com',
        'sec-fetch-site': 'cross-site',
      },
    })
    return { at, op, own, browser, away, posted }
  }

  test('answers by POST from its own site, with the name at the first time alone; our secret is signed', async () => {
    const user = JSON.stringify({ name: { firstName: 'Ada', lastName: 'Apple' }, email: 'alice@example.com' })
    const { at, op, own, browser, away, posted } = await come(user)
    expect(away.searchParams.get('response_mode')).toBe('form_post')
    expect(posted.status).toBe(303)
    expect(posted.headers.getSetCookie()).toEqual([])
    await browser.open(posted.headers.get('location')!)
    expect(await whoIs(browser)).toBe('ada')
    // The address beside the code came through the browser: the one in the ID Token counts.
    expect((await made(op, 'ada')).claims).toMatchObject({
      email: 'ada@private.example',
      email_verified: true,
      name: 'Ada Apple',
      family_name: 'Apple',
    })
    const { form } = tokenRequest(at)
    expect(decodeProtectedHeader(form.client_secret!)).toEqual({ alg: 'ES256', kid: 'KEY1234567' })
    const { payload } = await jwtVerify(form.client_secret!, await importJWK(own.jwk), {
      issuer: 'TEAM123456',
      subject: clientId,
      audience: at.origin,
    })
    expect(payload.exp! - payload.iat!).toBeLessThanOrEqual(300)
  })

  test('what was posted is good once, and in the browser alone that began', async () => {
    const { op, browser, posted } = await come()
    const to = posted.headers.get('location')!
    const stranger = await person(op.issuer, op.fetch).open(to)
    expect(stranger.page?.status).toBe(400)
    const again = await browser.open(to)
    expect([again.page?.status, await whoIs(browser)]).toEqual([400, undefined])
  })

  test('a POST with a state that nobody was given leaves nothing behind', async () => {
    const { op } = await come()
    const answer = await op.fetch('/upstream/callback/apple', {
      method: 'POST',
      body: 'state=made-up&code=c',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    })
    expect(answer.status).toBe(400)
  })
})

test('oauth2: endpoints and the name of the subject as configured', async () => {
  const at = serve()
  at.routes['/oauth/token'] = () => ({ access_token: accessToken, token_type: 'Bearer' })
  at.routes['/me'] = () => ({ uid: 7, email: 'otto@auth.example', name: 'Otto', email_verified: true })
  const { op, away, browser } = await visit(
    {
      provider: 'oauth2',
      label: 'Elsewhere',
      authorization_endpoint: `${at.origin}/oauth/authorize?audience=x`,
      token_endpoint: `${at.origin}/oauth/token`,
      userinfo_endpoint: `${at.origin}/me`,
      subject_claim: 'uid',
      scope: 'profile',
    },
    at,
  )
  expect(Object.fromEntries(away.searchParams)).toMatchObject({
    audience: 'x',
    scope: 'profile',
    code_challenge_method: 'S256',
  })
  expect(await whoIs(browser)).toBe('otto')
  expect((await made(op, 'otto')).claims).toMatchObject({ email: 'otto@auth.example', email_verified: true })
})

test('one variable each configures a provider, also from a secret file; an incomplete set is reported', async () => {
  const op = await provider({
    env: {
      UPSTREAM_GITHUB_CLIENT_ID: 'a',
      UPSTREAM_GITHUB_CLIENT_SECRET: 'b',
      UPSTREAM_OIDC_ISSUER: 'https://id.example/',
      UPSTREAM_OIDC_CLIENT_ID: 'c',
      UPSTREAM_OIDC_CLIENT_SECRET: 'd',
      UPSTREAM_OIDC_LABEL: 'My office',
    },
  })
  const { page } = await person(op.issuer, op.fetch).open('/login')
  expect(page!.forms.flatMap(({ buttons }) => buttons)).toEqual(['login', 'upstream_github', 'upstream_oidc'])
  expect(page!.html).toContain('My office')
  expect(page!.html).not.toContain('<img src="http')
  const half = provider({ env: { UPSTREAM_GITHUB_CLIENT_ID: 'a' } })
  await expect(half).rejects.toThrow('UPSTREAM_GITHUB_CLIENT_SECRET: required with UPSTREAM_GITHUB_CLIENT_ID')
  const unknown = provider({
    env: { UPSTREAM_TRUSTED: 'nobody', UPSTREAM_GITHUB_CLIENT_ID: 'a', UPSTREAM_GITHUB_CLIENT_SECRET: 'b' },
  })
  await expect(unknown).rejects.toThrow('UPSTREAM_TRUSTED: there is no provider nobody')
  const apple = { id: 'apple', provider: 'apple', team_id: 'T', key_id: 'K', private_key: 'no key' }
  const odd = [
    apple,
    { id: 'corp', provider: 'oidc', base_url: 'https://corp.example' },
    { id: 'corp', provider: 'github' },
  ]
  const config = provider({ env: upstreamEnv(odd, []) })
  await expect(config).rejects.toThrow(
    [
      'UPSTREAM_PROVIDERS: the id corp is used twice',
      'UPSTREAM_PROVIDERS: private_key of apple is not a P-256 key in PEM',
    ].join('\n'),
  )
  const open = provider({
    env: upstreamEnv([{ id: 'corp', provider: 'oidc', base_url: 'http://corp.example' }], []),
  })
  await expect(open).rejects.toThrow(
    'UPSTREAM_PROVIDERS: a URL that is requested must use https; if corp.example:80 is yours',
  )
  const broken = provider({ env: { UPSTREAM_PROVIDERS: '[{"id":"x","client_secret":"hush"}]' } })
  await expect(broken).rejects.toThrow(/UPSTREAM_PROVIDERS: expected a JSON array(?!.*hush)/)
})

test('a provider that takes the secret in the form alone gets it there', async () => {
  for (const [methods, inForm] of [
    [['client_secret_post'], true],
    [['client_secret_post', 'client_secret_basic'], false],
  ] as const) {
    const at = serve()
    const { heed } = openId(at, '', (nonce) => ({ sub: 'p', name: 'P', email: 'pat@post.example', nonce }), {
      token_endpoint_auth_methods_supported: methods,
    })
    const { browser } = await visit({ provider: 'oidc' }, at, heed)
    expect(await whoIs(browser)).toBe('pat')
    const { form, headers } = tokenRequest(at)
    expect([form.client_secret, headers.has('authorization')]).toEqual([
      inForm ? 'our-secret' : undefined,
      !inForm,
    ])
  }
})
