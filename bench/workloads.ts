/** What is measured, one row each: prepare a lane, get back its step. Every step checks what it was answered. */
import type { Browser, Page } from './browser.ts'
import { createFlow } from './code_flow.ts'
import type { Step } from './measure.ts'
import { createAsserter, createProver } from './proof.ts'
import { type Form, get, post } from './request.ts'
import { algOf, checkToken, expectJson, type Session } from './session.ts'
import { type Connection, headers } from './connection.ts'

export type Prepare = (session: Session) => Promise<Step>

/** A document that does not change between answers: parsed and checked once, compared byte by byte afterwards. */
const unchanging =
  (urlOf: (session: Session) => string, member: string): Prepare =>
  async (session) => {
    const connection = await session.connect()
    const request = get(urlOf(session))
    const first = await connection.send(request)
    if (!(member in expectJson<object>(first, 200, request))) throw new Error(`no ${member} in ${first.body}`)
    return async () => {
      const reply = await connection.send(request)
      if (reply.status !== 200 || reply.body !== first.body)
        throw new Error(`changed: ${reply.status} ${reply.body}`)
    }
  }

const clientCredentials =
  (alg?: 'ES256' | 'RS256'): Prepare =>
  async (session) => {
    const connection = await session.connect()
    const params: Form = { grant_type: 'client_credentials', ...(alg && session.target.jwt[alg]) }
    const request = post(session.metadata.token_endpoint, params, session.authorization)
    const sample = (await session.token(connection, params)).access_token
    if (alg) await session.verify(sample, alg)
    else if (sample.split('.').length === 3) throw new Error(`wanted an opaque token, got ${sample}`)
    // The protected header is the same for every token of one key, so its spelling need be parsed only once.
    const prefix = alg ? `${sample.split('.')[0]}.` : ''
    let last = sample
    return async () => {
      const { access_token } = checkToken(await connection.send(request), 'client_credentials')
      if (access_token === last || !access_token.startsWith(prefix))
        throw new Error(`not a new token: ${access_token}`)
      last = access_token
    }
  }

/** A proof of its own with each request, by one key: the token is bound to it. RFC 9449 */
const dpop: Prepare = async (session) => {
  const connection = await session.connect()
  const url = session.metadata.token_endpoint
  const prove = createProver(session.target.key, url)
  let last = ''
  return async () => {
    const request = post(
      url,
      { grant_type: 'client_credentials' },
      { ...session.authorization, DPoP: prove() },
    )
    const { access_token } = checkToken(await connection.send(request), 'dpop', 'dpop')
    if (access_token === last) throw new Error(`not a new token: ${access_token}`)
    last = access_token
  }
}

/** An assertion of its own with each request. RFC 7523 §2.2 */
const privateKeyJwt: Prepare = async (session) => {
  const connection = await session.connect()
  const { target, metadata } = session
  const client_id = await session.keyClient()
  const assert = createAsserter(target.key, client_id, target.issuer)
  let last = ''
  return async () => {
    const params = {
      grant_type: 'client_credentials',
      client_id,
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: assert(),
    }
    const reply = await connection.send(post(metadata.token_endpoint, params))
    const { access_token } = checkToken(reply, 'private_key_jwt')
    if (access_token === last) throw new Error(`not a new token: ${access_token}`)
    last = access_token
  }
}

/** The push alone: the parameters of an ordinary request, a reference back. RFC 9126 */
const par: Prepare = async (session) => {
  const connection = await session.connect()
  const { request } = createFlow(session, connection)
  let last = ''
  return async () => {
    const params = Object.fromEntries(new URL(request().url).searchParams)
    const pushing = post(
      session.metadata.pushed_authorization_request_endpoint,
      params,
      session.authorization,
    )
    const { request_uri, expires_in } = expectJson<{ request_uri: string; expires_in: number }>(
      await connection.send(pushing),
      201,
      'par',
    )
    if (!request_uri.startsWith('urn:') || request_uri === last || !(expires_in > 0))
      throw new Error(`not a new reference: ${request_uri}`)
    last = request_uri
  }
}

const introspection: Prepare = async (session) => {
  const connection = await session.connect()
  const { access_token } = await session.token(connection, { grant_type: 'client_credentials' })
  const request = post(
    session.metadata.introspection_endpoint,
    { token: access_token },
    session.authorization,
  )
  return async () => {
    const answer = expectJson<Record<string, unknown>>(await connection.send(request), 200, 'introspection')
    if (answer.active !== true || answer.client_id !== session.client.client_id)
      throw new Error(`inactive: ${JSON.stringify(answer)}`)
  }
}

const userinfo: Prepare = async (session) => {
  const connection = await session.connect()
  const flow = createFlow(session, connection)
  const answer = await flow.tokens({ prompt: 'consent' })
  await flow.userinfo(answer)
  const bearer = { Authorization: `Bearer ${answer.access_token}` }
  const request = get(session.metadata.userinfo_endpoint, bearer)
  const { sub } = await session.verify(answer.id_token ?? '', session.target.idTokenAlg)
  return async () => {
    const claims = expectJson<Record<string, unknown>>(await connection.send(request), 200, 'userinfo')
    if (claims.sub !== sub || typeof claims.email !== 'string')
      throw new Error(`claims: ${JSON.stringify(claims)}`)
  }
}

/** Each lane rotates its own chain: a token once used is never sent again. */
const refresh: Prepare = async (session) => {
  const connection = await session.connect()
  const flow = createFlow(session, connection)
  const first = await flow.tokens({ scope: 'openid profile email offline_access', prompt: 'consent' })
  if (first.refresh_token === undefined) throw new Error('no refresh token to begin with')
  let refresh_token = first.refresh_token
  const again = () => session.token(connection, { grant_type: 'refresh_token', refresh_token })
  return async () => {
    const answer = await again()
    if (answer.refresh_token === undefined || answer.refresh_token === refresh_token)
      throw new Error('it did not rotate')
    if (answer.id_token === undefined || algOf(answer.id_token) !== session.target.idTokenAlg)
      throw new Error(`no ${session.target.idTokenAlg} ID Token`)
    refresh_token = answer.refresh_token
  }
}

/** Without a session and without consent: both pages, then code, token, userinfo. */
const codeFlow: Prepare = async (session) => {
  const connection = await session.connect()
  const once = async () => {
    const flow = createFlow(session, connection)
    const answer = await flow.tokens({ prompt: 'consent' })
    await flow.userinfo(answer)
    return answer
  }
  await session.verify((await once()).id_token ?? '', session.target.idTokenAlg)
  return async () => void (await once())
}

/** With a session and consent: three requests, no page. */
const codeFlowInSession: Prepare = async (session) => {
  const connection = await session.connect()
  const flow = createFlow(session, connection)
  const first = await flow.tokens({ prompt: 'consent' })
  await session.verify(first.id_token ?? '', session.target.idTokenAlg)
  // prompt=none makes any page an error answer instead of a form that gets filled.
  return async () => flow.userinfo(await flow.tokens({ prompt: 'none' }))
}

/** A new browser each time, up to the answer to the password; consent is not part of it. */
const signIn: Prepare = async (session) => {
  const connection = await session.connect()
  const { user, buttons } = session.target
  return async () => {
    const { browser, request } = createFlow(session, connection)
    const page = await browser.open(request().url)
    const reply = await browser.press(page, buttons.login, { ...user })
    const location = headers(reply, 'location')[0]
    if (
      location === undefined ||
      (reply.status !== 302 && reply.status !== 303) ||
      headers(reply, 'set-cookie').length === 0
    )
      throw new Error(`not signed in: ${reply.status} ${location} ${reply.body.slice(0, 300)}`)
  }
}

/** One page again and again, as by a reload: each time it must be a form with this button. */
const reload = async (
  page: Page,
  browser: Browser,
  connection: Connection,
  button: string,
): Promise<Step> => {
  const request = browser.opening(page.url)
  const named = `name="${button}"`
  return async () => {
    const reply = await connection.send(request)
    if (reply.status !== 200 || !reply.body.includes(named))
      throw new Error(`no ${button} at ${page.url}: ${reply.status} ${reply.body.slice(0, 300)}`)
  }
}

const signInPage: Prepare = async (session) => {
  const connection = await session.connect()
  const { browser, request } = createFlow(session, connection)
  return reload(await browser.open(request().url), browser, connection, session.target.buttons.login)
}

const consentPage: Prepare = async (session) => {
  const connection = await session.connect()
  const { browser, request, tokens } = createFlow(session, connection)
  await tokens({ prompt: 'consent' })
  const page = await browser.open(request({ prompt: 'consent' }).url)
  return reload(page, browser, connection, session.target.buttons.allow)
}

/** A new browser each time: the answer sends it to the page for signing in, with a cookie. */
const authorize: Prepare = async (session) => {
  const connection = await session.connect()
  const { request } = createFlow(session, connection)
  let last = ''
  return async () => {
    const reply = await connection.send(get(request().url, { Accept: 'text/html' }))
    const [location = ''] = headers(reply, 'location')
    const isRedirect = reply.status === 302 || reply.status === 303
    if (!isRedirect || location === last || location.startsWith(session.target.redirectUri))
      throw new Error(`not sent to a page: ${reply.status} ${location} ${reply.body.slice(0, 300)}`)
    if (headers(reply, 'set-cookie').length === 0) throw new Error('no cookie')
    last = location
  }
}

export const workloads: Record<string, Prepare> = {
  discovery: unchanging(({ target }) => `${target.issuer}/.well-known/openid-configuration`, 'issuer'),
  jwks: unchanging(({ metadata }) => metadata.jwks_uri, 'keys'),
  client_credentials: clientCredentials(),
  client_credentials_es256: clientCredentials('ES256'),
  client_credentials_rs256: clientCredentials('RS256'),
  client_credentials_dpop: dpop,
  client_credentials_private_key_jwt: privateKeyJwt,
  par,
  introspection,
  userinfo,
  sign_in_page: signInPage,
  consent_page: consentPage,
  authorize,
  refresh,
  code_flow: codeFlow,
  code_flow_in_session: codeFlowInSession,
  sign_in: signIn,
}
