/** Issue 9, D.47: passkeys were bound to the host of the issuer, so that another host made them useless. */
import { describe, expect, test } from 'bun:test'
import { loadConfig } from '../../src/config.ts'
import { createContext } from '../../src/app.ts'
import { featureEntries } from '../../src/table.ts'
import { browser } from '../support/flow.ts'
import { addPasskey, atSignIn, optionsIn, pageOf, signInWith } from '../support/passkeys.ts'
import { alice } from '../support/person.ts'
import { provider, type Provider } from '../support/provider.ts'
import { type CreationOptions } from '../support/security_key.ts'

const issuer = 'https://id.example.com'
const at = (env: Record<string, string> = {}, ISSUER_URL = issuer) =>
  provider({ env: { ISSUER_URL, ...env } })

async function signedIn(op: Provider) {
  const who = browser(op)
  await who.press(pageOf(await who.open('/account/passkeys')), 'login', alice)
  return who
}

const isIn = ({ location, page }: Awaited<ReturnType<typeof signInWith>>) =>
  location !== undefined || (page?.status === 200 && !page.url.includes('passkeys/sign_in'))

describe('PASSKEY_RP_ID', () => {
  test('without it: the host of the issuer', async () => {
    const op = await at()
    const { options } = await atSignIn(op.issuer, op.fetch, browser(op))
    expect(options.rpId).toBe('id.example.com')
  })

  test('a domain above the issuer is in all options, and its passkeys sign in', async () => {
    const op = await at({ PASSKEY_RP_ID: 'example.com' })
    const who = await signedIn(op)
    const add = pageOf(await who.open('/account/passkeys/add'))
    expect(optionsIn<CreationOptions>(add).rp.id).toBe('example.com')
    const credential = await addPasskey(op.issuer, who)
    expect(credential.rpId).toBe('example.com')
    const list = pageOf(await who.open('/account/passkeys'))
    expect(list.html).not.toContain('"rpId":"id.example.com"')
    const { options } = await atSignIn(op.issuer, op.fetch, browser(op))
    expect(options.rpId).toBe('example.com')
    expect(isIn(await signInWith(op.issuer, op.fetch, browser(op), credential))).toBe(true)
  })

  test('a page of another host of that domain, or of a related origin, signs nobody in', async () => {
    const op = await at({
      PASSKEY_RP_ID: 'example.com',
      PASSKEY_RELATED_ORIGINS: 'https://app.example.org',
    })
    const credential = await addPasskey(op.issuer, await signedIn(op))
    for (const origin of [
      'https://example.com',
      'https://evil.example.com',
      'https://app.example.org',
      'https://id.example.com:8443',
      'http://id.example.com',
    ]) {
      const landing = await signInWith(op.issuer, op.fetch, browser(op), credential, { lies: { origin } })
      expect([origin, isIn(landing)]).toEqual([origin, false])
    }
    for (const rpId of ['id.example.com', 'com', 'example.org']) {
      const landing = await signInWith(op.issuer, op.fetch, browser(op), credential, { lies: { rpId } })
      expect([rpId, isIn(landing)]).toEqual([rpId, false])
    }
    expect(isIn(await signInWith(op.issuer, op.fetch, browser(op), credential))).toBe(true)
  })

  test('after a move to another domain the passkeys of before still sign in', async () => {
    const op = await at({ PASSKEY_RP_ID: 'id.old.example', PASSKEY_RELATED_ORIGINS: issuer })
    const credential = await addPasskey(op.issuer, await signedIn(op))
    expect(credential.rpId).toBe('id.old.example')
    expect(isIn(await signInWith(op.issuer, op.fetch, browser(op), credential))).toBe(true)
  })

  const problemsOf = (env: Record<string, string>): string => {
    try {
      const config = loadConfig({ ISSUER_URL: issuer, ...env }, { featureEntries })
      createContext({ config } as Parameters<typeof createContext>[0])
      return ''
    } catch (error) {
      return (error as Error).message
    }
  }

  test.each([
    'com.example',
    'other.example.com',
    'ample.com',
    'sub.id.example.com',
    'example.org',
    'com',
    'https://example.com',
    'example.com:443',
    '.example.com',
    'example.com.',
    '127.0.0.1',
    'exa mple.com',
  ])('refuses %j at the start', (PASSKEY_RP_ID) => {
    expect(problemsOf({ PASSKEY_RP_ID })).toContain('PASSKEY_RP_ID: expected')
  })

  test.each(['*', 'http://app.example.org', 'https://app.example.org/path', 'app.example.org'])(
    'refuses the related origin %j at the start',
    (PASSKEY_RELATED_ORIGINS) => {
      expect(problemsOf({ PASSKEY_RELATED_ORIGINS })).toContain('PASSKEY_RELATED_ORIGINS: expected')
    },
  )
})

describe('/.well-known/webauthn', () => {
  test('lists the related origins', async () => {
    const op = await at({ PASSKEY_RELATED_ORIGINS: 'https://app.example.org, https://id.example.net' })
    const answer = await op.fetch('/.well-known/webauthn')
    expect(answer.status).toBe(200)
    expect(answer.headers.get('content-type')).toBe('application/json')
    expect(await answer.json()).toEqual({ origins: ['https://app.example.org', 'https://id.example.net'] })
  })

  test('is not there without one, and without passkeys', async () => {
    expect((await (await at()).fetch('/.well-known/webauthn')).status).toBe(404)
    const off = await at({ PASSKEYS: 'false', PASSKEY_RELATED_ORIGINS: 'https://app.example.org' })
    expect((await off.fetch('/.well-known/webauthn')).status).toBe(404)
  })
})
