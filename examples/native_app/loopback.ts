/** A sign-in in the browser of the system, whose answer comes to a port of this machine. https://www.rfc-editor.org/rfc/rfc8252#section-7.3 */
import * as oidc from 'openid-client'
import { causeOf } from '../answers/cause.ts'
import { asked, audience, issuer, type SignedIn, signedIn } from './provider.ts'

const patienceMs = 5 * 60_000

/** `show` gets the URL that the browser must open. */
export async function signInByBrowser(
  config: oidc.Configuration,
  show: (url: URL) => void,
): Promise<SignedIn> {
  const checks = {
    pkceCodeVerifier: oidc.randomPKCECodeVerifier(),
    expectedState: oidc.randomState(),
    expectedNonce: oidc.randomNonce(),
    idTokenExpected: true,
  }
  const done = Promise.withResolvers<SignedIn>()
  const timer = setTimeout(() => done.reject(new Error('no answer came within 5 minutes')), patienceMs)
  const server = listen(
    checks.expectedState,
    async (answer) => {
      const tokens = await oidc.authorizationCodeGrant(config, answer, checks, audience(issuer))
      const person = await signedIn(config, tokens)
      done.resolve(person)
      return person.name
    },
    done.reject,
  )
  try {
    const params = asked()
    params.set('redirect_uri', server.redirectUri)
    params.set('code_challenge', await oidc.calculatePKCECodeChallenge(checks.pkceCodeVerifier))
    params.set('code_challenge_method', 'S256')
    params.set('state', checks.expectedState)
    params.set('nonce', checks.expectedNonce)
    show(oidc.buildAuthorizationUrl(config, params))
    return await done.promise
  } finally {
    clearTimeout(timer)
    await server.stop()
  }
}

/**
 * Takes the one answer that has our state. Every page in the browser, and every program of every user of this machine, can
 * send requests to this port, so that anything else is refused and the wait goes on.
 */
export function listen(
  state: string,
  redeem: (answer: URL) => Promise<string>,
  fail: (error: unknown) => void,
) {
  let taken = false
  const server = Bun.serve({
    hostname: '127.0.0.1', // no other machine can reach it
    port: 0, // a free one; the provider accepts any port of the loopback address
    async fetch(request) {
      const answer = new URL(request.url)
      // Another name that leads to 127.0.0.1 is DNS rebinding.
      if (request.headers.get('host') !== new URL(redirectUri).host) return page(421, 'This is another host.')
      if (request.method !== 'GET' || answer.pathname !== '/callback')
        return page(404, 'There is nothing here.')
      if (taken || answer.searchParams.get('state') !== state)
        return page(400, 'This is not the answer to a sign-in that is under way.')
      taken = true
      try {
        return page(
          200,
          `You are signed in as ${await redeem(answer)}. Close this window and go back to the terminal.`,
        )
      } catch (error) {
        fail(error)
        return page(400, `Signing in did not work: ${causeOf(error)}`)
      }
    },
  })
  const redirectUri = `http://127.0.0.1:${server.port}/callback`
  return { redirectUri, stop: () => server.stop() } // it ends when the page has been sent
}

const page = (status: number, text: string): Response =>
  new Response(
    `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark"><link rel="icon" href="data:,"><title>Native application</title>
<main><h1>Native application</h1><p id="status">${Bun.escapeHTML(text)}</p></main></html>`,
    {
      status,
      headers: {
        'content-type': 'text/html; charset=utf-8',
        'cache-control': 'no-store',
        'content-security-policy':
          "default-src 'none'; img-src data:; frame-ancestors 'none'; base-uri 'none'",
        'referrer-policy': 'no-referrer',
        connection: 'close',
      },
    },
  )
