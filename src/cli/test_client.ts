/** The interactive client of docs/walkthrough.md: it runs one code flow and prints each step. */
import { generatePkce } from '../auth/pkce.ts'
import { defaultScopes } from '../endpoints/operator_clients.ts'
import { systemRandom } from '../lib/random.ts'
import { demoClient } from '../models/demo.ts'
import { listenForCallback } from './callback_listener.ts'
import { defineProcess, type Values } from './command.ts'
import { Refusal, UsageError } from './failure.ts'
import { moment, print, printable, printJson } from './output.ts'
import {
  decodeToken,
  discover,
  type Metadata,
  type ProviderClient,
  providerClient,
  type Tokens,
} from './provider_client.ts'

const options = {
  issuer: { type: 'string', value: 'URL', help: 'Default: http://localhost:5000' },
  'client-id': {
    type: 'string',
    value: 'ID',
    help: `Default: ${demoClient.client_id}, with its secret`,
  },
  'client-secret': { type: 'string', value: 'SECRET', help: 'Omit it for a public client' },
  port: {
    type: 'string',
    value: 'PORT',
    help: 'Port of the redirect URI http://localhost:PORT/callback. Default: 8080',
  },
  scope: { type: 'string', value: 'SCOPES', help: 'Separated by spaces. Default: what `client add` allows' },
  'no-open': { type: 'boolean', help: 'Print the URL instead of opening it' },
  timeout: { type: 'string', value: 'SECONDS', help: 'How long to wait for the sign-in. Default: 300' },
} as const

export const testClient = defineProcess({ options, run: runFlow })

async function runFlow(given: Values<typeof options>): Promise<void> {
  const issuer = readIssuer(given.issuer)
  const port = readNumber('port', given.port ?? '8080', 65_535)
  const timeout = readNumber('timeout', given.timeout ?? '300', 86_400)
  const clientId = given['client-id'] ?? demoClient.client_id
  // The secret of the demo client is not sent for another client.
  const secret =
    given['client-secret'] ?? (given['client-id'] === undefined ? demoClient.client_secret : undefined)

  step(`Discovery at ${issuer}`)
  const metadata = await discover(issuer)
  print(`authorization endpoint ${printable(metadata.authorization_endpoint)}`)

  const listener = listenForCallback(port)
  try {
    const scope = given.scope ?? defaultScopes
    const request = makeRequest(metadata, { clientId, scope, redirectUri: listener.redirectUri })
    step('Authorization request, with PKCE (S256), state and nonce. Sign in here:')
    print(request.url)
    print(`waiting for the answer at ${listener.redirectUri}, ${timeout} s at most; Ctrl-C ends it`)
    const waiting = listener.answer({ state: request.state, issuer, timeout })
    if (!given['no-open']) openBrowser(request.url)
    const answer = await waiting

    step('Authorization response at the redirect URI; state and iss are as expected')
    const code = answer.get('code')
    if (code === null)
      throw new Refusal(
        printable(`${answer.get('error') ?? 'no code'}: ${answer.get('error_description') ?? ''}`),
      )
    print(`code ${shortened(code)}`)

    const client = providerClient(metadata, { clientId, secret })
    const tokens = await client.redeem({
      code,
      redirect_uri: listener.redirectUri,
      code_verifier: request.code_verifier,
    })
    step('Tokens for the code')
    showTokens(tokens)
    await useTokens(client, tokens, request.nonce, secret !== undefined)
    print('\nThe flow is complete.')
  } finally {
    await listener.stop()
  }
}

function readIssuer(text = 'http://localhost:5000'): string {
  if (!/^https?:\/\//i.test(text) || !URL.canParse(text))
    throw new UsageError(`--issuer: expected an http or https URL, got ${JSON.stringify(text)}`)
  return text.replace(/\/+$/, '')
}

function readNumber(name: string, text: string, most: number): number {
  const value = /^\d{1,6}$/.test(text) ? Number(text) : Infinity
  if (value > most)
    throw new UsageError(`--${name}: expected a number from 0 to ${most}, got ${JSON.stringify(text)}`)
  return value
}

function makeRequest(
  metadata: Metadata,
  { clientId, scope, redirectUri }: { clientId: string; scope: string; redirectUri: string },
) {
  const { code_verifier, code_challenge } = generatePkce(systemRandom)
  const [state, nonce] = [systemRandom(18), systemRandom(18)]
  const url = new URL(metadata.authorization_endpoint)
  const params = {
    response_type: 'code',
    client_id: clientId,
    redirect_uri: redirectUri,
    scope,
    state,
    nonce,
    code_challenge,
    code_challenge_method: 'S256',
    // OpenID Connect Core §11: offline_access requires prompt=consent.
    ...(scope.split(' ').includes('offline_access') && { prompt: 'consent' }),
  }
  for (const [name, value] of Object.entries(params)) url.searchParams.set(name, value)
  if (!['http:', 'https:'].includes(url.protocol))
    throw new Refusal('the authorization endpoint is no web address')
  return { url: url.href, state, nonce, code_verifier }
}

/** Uses, refreshes and revokes the tokens. Introspection is for clients with a secret. */
async function useTokens(
  client: ProviderClient,
  first: Tokens,
  nonce: string,
  confidential: boolean,
): Promise<void> {
  let tokens = first
  if (tokens.id_token !== undefined) {
    const { sub, exp } = await client.verifyIdToken(tokens, nonce)
    step('The ID Token is valid: signature by the JWKS, iss, aud, exp, nonce and at_hash')
    print(`${printable(sub)} is signed in; the token is valid until ${moment(exp)}`)
    step('UserInfo')
    const claims = await client.userinfo(tokens.access_token)
    if (claims.sub !== sub) throw new Refusal('the sub of UserInfo differs from that of the ID Token') // Core §5.3.2
    printJson(claims)
  }
  await showActivity(client, tokens, confidential, 'Introspection of the access token', true)
  if (tokens.refresh_token !== undefined) {
    tokens = { ...tokens, ...(await client.refresh(tokens.refresh_token)) }
    step('Refreshed: new tokens; the old refresh token can no longer be used')
    showTokens(tokens)
  }
  await client.revoke(tokens.refresh_token ?? tokens.access_token)
  step(
    `Revoked the ${tokens.refresh_token === undefined ? 'access token' : 'refresh token, and with it the access token'}`,
  )
  await showActivity(client, tokens, confidential, 'Introspection again', false)
}

/** Prints what a resource server learns about the access token. Throws Refusal unless `active` is as expected. */
async function showActivity(
  client: ProviderClient,
  { access_token }: Tokens,
  confidential: boolean,
  title: string,
  active: boolean,
): Promise<void> {
  step(title)
  if (!confidential) return print('only for clients with a secret (RFC 7662 §2.1)')
  const said = await client.introspect(access_token)
  printJson(said)
  if (said.active !== active) throw new Refusal(`expected active to be ${active}`)
}

const step = (title: string): void => print(`\n== ${title}`)

/** The beginning of a handle, which cannot be used as the handle. */
const shortened = (handle: string): string =>
  printable(handle.length > 24 ? `${handle.slice(0, 20)}…` : handle)

function showTokens(tokens: Tokens): void {
  for (const name of ['access_token', 'id_token', 'refresh_token'] as const) {
    const token = tokens[name]
    if (token === undefined) continue
    const decoded = name === 'refresh_token' ? undefined : decodeToken(token)
    print(`${name} ${decoded ? '(a JWT)' : `${shortened(token)} (opaque)`}`)
    if (decoded) printJson(decoded)
  }
  print(`expires_in ${tokens.expires_in} s, scope ${printable(tokens.scope ?? 'none')}`)
}

/** The program that opens a URL, by platform. Without it the developer opens the printed URL. */
const openers: Readonly<Record<string, readonly string[]>> = {
  darwin: ['open'],
  win32: ['rundll32', 'url.dll,FileProtocolHandler'], // `start` would read `&` as the end of its command
}

function openBrowser(url: string): void {
  const [program = '', ...args] = openers[process.platform] ?? ['xdg-open']
  const path = Bun.which(program)
  if (path === null) return
  try {
    Bun.spawn([path, ...args, url], { stdio: ['ignore', 'ignore', 'ignore'] }).unref()
  } catch {
    // The URL is printed and can be copied.
  }
}
