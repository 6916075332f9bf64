/** A native application for the command line: it signs a person in with the browser of the system, or on another device. https://www.rfc-editor.org/rfc/rfc8252 */
import * as oidc from 'openid-client'
import { causeOf } from '../answers/cause.ts'
import { openBrowser } from './browser.ts'
import { signInByDevice } from './device.ts'
import { alone, forget, load, save, stored } from './kept.ts'
import { signInByBrowser } from './loopback.ts'
import { api, clientId, discover, issuer, refreshed } from './provider.ts'

/** The text is of the provider or of the API: it must not move the cursor or change the colours of the terminal. */
const print = (text: string): void => console.log(text.replace(/\p{Cc}/gu, ' '))

async function signIn(...options: string[]): Promise<void> {
  const config = await discover()
  const person = options.includes('--device')
    ? await signInByDevice(config, ({ url, code, complete }) => {
        print(`Open ${url} on another device, and type the code ${code}`)
        if (complete !== undefined) print(`Or open ${complete} there, and compare the code`)
      })
    : await signInByBrowser(config, (url) => {
        if (options.includes('--no-browser') || !openBrowser(url.href))
          print(`Open this address in a browser on this machine: ${url.href}`)
        else print('Your browser is open. Sign in there.')
      })
  const before = await alone(async () => {
    const found = await stored().catch(() => undefined)
    await save(person)
    return found
  })
  // What the sign-in before had is of no use any more. The sign-in does not fail for it.
  if (before?.refreshToken !== undefined)
    await oidc.tokenRevocation(config, before.refreshToken).catch(() => {})
  print(`Signed in as ${person.name}`)
}

/** A token for the resource that is good for the next half minute. One that another process got meanwhile is used. */
function requireToken(config: oidc.Configuration, resource: string): Promise<{ sub: string; token: string }> {
  return alone(async () => {
    const person = await load()
    if (!person) throw new Error('no person is signed in: run "sign-in"')
    const { sub } = person
    const kept = person.accessTokens[resource]
    if (kept && kept.expiresAt - Date.now() > 30_000) return { sub, token: kept.token }
    try {
      const next = await refreshed(config, person, resource)
      await save(next)
      return { sub, token: next.accessTokens[resource]!.token }
    } catch (error) {
      // A provider that does not answer says nothing about the session: only this refusal ends it.
      if (!(error instanceof oidc.ResponseBodyError) || error.error !== 'invalid_grant') throw error
      await forget()
      throw new Error('the session has ended: run "sign-in"', { cause: error })
    }
  })
}

async function whoami(): Promise<void> {
  const config = await discover()
  const { token, sub } = await requireToken(config, issuer)
  const person = await oidc.fetchUserInfo(config, token, sub)
  print(`${person.name ?? person.preferred_username ?? person.sub}, ${sub} at ${issuer}`)
}

async function notes(): Promise<void> {
  if (api === undefined) throw new Error('API is not set')
  const config = await discover()
  const { token } = await requireToken(config, api)
  const answer = await oidc.fetchProtectedResource(config, token, new URL('/notes', api), 'GET')
  print(await answer.text())
}

/** The provider ends the grant with its refresh token (RFC 7009 §2.1). The file goes even if the provider cannot be reached. */
async function signOut(): Promise<void> {
  await alone(async () => {
    const person = await stored().catch(() => undefined) // a broken file goes, too
    await forget()
    const token = person?.refreshToken
    if (token !== undefined) await oidc.tokenRevocation(await discover(), token)
  })
  print('Signed out. The browser may still be signed in at the provider.')
}

const commands: Record<string, (...options: string[]) => Promise<void>> = {
  'sign-in': signIn,
  whoami,
  notes,
  'sign-out': signOut,
}

const [name = '', ...options] = process.argv.slice(2)
const command = Object.hasOwn(commands, name) ? commands[name] : undefined
if (!command) {
  console.error(`Usage: bun examples/native_app/main.ts sign-in [--device | --no-browser] | whoami | notes | sign-out
Client ${clientId} at ${issuer}`)
  process.exit(2)
}
try {
  await command(...options)
} catch (error) {
  console.error(`${name} did not work: ${causeOf(error)}`.replace(/\p{Cc}/gu, ' '))
  process.exitCode = 1
}
