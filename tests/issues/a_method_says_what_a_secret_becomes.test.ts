/** Issue 9, line 38: `client set` with another token_endpoint_auth_method did not say what becomes of a secret that exists. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, test } from 'bun:test'
import { commandLine } from '../support/command.ts'

const line = commandLine({ STORE_URL: 'sqlite:latchkey.db' })
afterAll(line.remove)

const { publicKey } = (await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, [
  'sign',
  'verify',
])) as CryptoKeyPair
const keys = join(line.folder, 'jwks.json')
writeFileSync(
  keys,
  JSON.stringify({
    keys: [{ ...(await crypto.subtle.exportKey('jwk', publicKey)), key_ops: undefined, kid: 'a' }],
  }),
)

const [deleted, kept, made] = [
  'The secret of the client is deleted',
  'The secret of the client stays the same',
  'The secret is shown only once',
]
const method = (name: string) => ['--auth-method', name]
const only = (...names: string[]) => `The client authenticates with ${names.join(' or ')} from now on.`

const cases: Record<string, { from: string[]; to: string[]; says: string[] }> = {
  'to none': { from: [], to: ['--public'], says: [deleted, 'does not authenticate any more'] },
  'to a key': {
    from: method('client_secret_post'),
    to: ['--jwks', keys, ...method('private_key_jwt')],
    says: [deleted, only('private_key_jwt')],
  },
  'from one place to the other': {
    from: method('client_secret_basic'),
    to: method('client_secret_post'),
    says: [kept, only('client_secret_post')],
  },
  'from both places to the one that was registered': {
    from: [],
    to: method('client_secret_basic'),
    says: [kept, only('client_secret_basic')],
  },
  'from one place to both': {
    from: method('client_secret_basic'),
    to: ['--unset', 'token_endpoint_auth_method'],
    says: [kept, only('client_secret_basic', 'client_secret_post')],
  },
  'from none': {
    from: ['--public'],
    to: method('client_secret_basic'),
    says: [made, only('client_secret_basic')],
  },
  'from a key': {
    from: ['--jwks', keys],
    to: method('client_secret_post'),
    says: [made, only('client_secret_post')],
  },
  'not at all': { from: method('client_secret_post'), to: ['--name', 'Shop'], says: [] },
}

test.each(Object.entries(cases))('%s', async (name, { from, to, says }) => {
  const id = name.replaceAll(' ', '-')
  const redirects = ['--redirect-uri', 'https://app.example/cb']
  await line.json('client', 'add', id, '--client-id', id, ...redirects, ...from, '--json')
  const { code, stdout } = await line.latchkey(['client', 'set', id, ...to])
  expect(code).toBe(0)
  for (const words of says) expect(stdout).toContain(words)
  for (const words of [deleted, kept, made, 'authenticates with'])
    expect([words, stdout.includes(words)]).toEqual([words, says.some((each) => each.includes(words))])
})
