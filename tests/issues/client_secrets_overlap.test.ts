/** Issue 9, lines 37 and 38: a new client secret while the old one still holds, and a secret of the operator's own. */
import { SignJWT } from 'jose'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'bun:test'
import { jwtBearerAssertion } from '../../src/auth/client_auth.ts'
import { weakness } from '../../src/cli/secret_option.ts'
import { isSecretOf, withNewSecret, withoutFormerSecret } from '../../src/clients/client_secret.ts'
import { Client } from '../../src/models/client.ts'
import type { Json } from '../support/client.ts'
import { commandLine } from '../support/command.ts'
import { operatorClient } from '../support/flow.ts'
import { type Provider, provider } from '../support/provider.ts'

const hour = 3600
const [first, second, third] = ['first', 'second', 'third'].map((name) => `${name}-${'x'.repeat(40)}`) as [
  string,
  string,
  string,
]

describe('at the provider', () => {
  const ask = async (op: Provider, fields: Record<string, string>, authorization?: string) => {
    const answer = await op.fetch('/token', {
      method: 'POST',
      body: new URLSearchParams({ grant_type: 'client_credentials', ...fields }).toString(),
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        ...(authorization && { authorization }),
      },
    })
    return answer.status
  }
  const ways: Record<string, (op: Provider, id: string, secret: string) => Promise<number>> = {
    client_secret_basic: (op, id, secret) => ask(op, {}, `Basic ${btoa(`${id}:${secret}`)}`),
    client_secret_post: (op, id, secret) => ask(op, { client_id: id, client_secret: secret }),
    client_secret_jwt: async (op, id, secret) => {
      const now = Math.floor(op.clock.now() / 1000)
      const jwt = await new SignJWT({
        iss: id,
        sub: id,
        aud: op.issuer,
        jti: crypto.randomUUID(),
        iat: now,
        exp: now + 60,
      })
        .setProtectedHeader({ alg: 'HS256' })
        .sign(new TextEncoder().encode(secret))
      return ask(op, { client_assertion_type: jwtBearerAssertion, client_assertion: jwt })
    },
  }

  test.each(Object.entries(ways))('%s: both hold, then one, and never three', async (method, send) => {
    const op = await provider()
    const id = 'service'
    await operatorClient(op, {
      client_id: id,
      grant_types: ['client_credentials'],
      response_types: [],
      token_endpoint_auth_method: method,
    })
    const change = async (next: (client: Client) => Client) => {
      await Client.update(op.context, id, next)
      op.context.clients.forget(id)
    }
    const states = async () => [
      await send(op, id, first),
      await send(op, id, second),
      await send(op, id, third),
    ]
    await change((client) => withNewSecret(client, first, 0, op.context))
    expect(await states()).toEqual([200, 401, 401])
    await change((client) => withNewSecret(client, second, hour, op.context))
    expect(await states()).toEqual([200, 200, 401])
    op.clock.advance((hour - 2) * 1000)
    expect(await states()).toEqual([200, 200, 401])
    op.clock.advance(3_000)
    expect(await states()).toEqual([401, 200, 401])
    await change((client) => withNewSecret(client, third, hour, op.context))
    expect(await states()).toEqual([401, 200, 200])
    await change((client) => withNewSecret(client, first, hour, op.context))
    expect(await states()).toEqual([200, 401, 200])
    await change(withoutFormerSecret)
    expect(await states()).toEqual([200, 401, 401])
  })

  test('a client without a secret has none, not the empty one', async () => {
    const op = await provider()
    await operatorClient(op, { client_id: 'bare', token_endpoint_auth_method: 'none' })
    expect(isSecretOf((await Client.find(op.context, 'bare'))!, [''], op.context)).toBe(false)
  })

  test('a secret that was right is asked again under other keys, and another one at once', async () => {
    const op = await provider()
    await operatorClient(op, { client_id: 'service' })
    const { context } = op
    const client = withNewSecret((await Client.find(context, 'service'))!, first, 0, context)
    const changed = withNewSecret(client, second, 0, context)
    const others = {
      clock: context.clock,
      secrets: { ...context.secrets, clientSecrets: new Uint8Array(32).fill(7) },
    }
    for (const _ of ['compared', 'remembered']) {
      expect(isSecretOf(client, [second, first], context)).toBe(true)
      expect(isSecretOf(client, [second], context)).toBe(false)
      expect(isSecretOf(client, [first], others)).toBe(false)
      expect(isSecretOf(changed, [first], context)).toBe(false)
    }
  })
})

describe('by command', () => {
  const line = commandLine({ STORE_URL: 'sqlite:latchkey.db' })
  afterAll(line.remove)
  const add = (id: string, ...more: string[]) =>
    line.latchkey(['client', 'add', id, '--client-id', id, '--grant-type', 'client_credentials', ...more])
  const renew = (...args: string[]) => line.latchkey(['client', 'secret', ...args])
  const strong = 'k3J8vQz1Lw9XrT5yBn7MpC2sHd4FgA6eUiOoZqWx'

  test('a new secret is shown once, the old one has an end, and a third one is refused', async () => {
    await add('app')
    const made = JSON.parse((await renew('app', '--overlap', '2h', '--json')).stdout) as Json
    expect(made.client_secret).toBeString()
    const shown = await line.latchkey(['client', 'show', 'app', '--json'])
    expect(JSON.parse(shown.stdout)).toMatchObject({ former_secret_until: made.former_secret_until })
    expect(shown.stdout).not.toContain(String(made.client_secret))
    expect(shown.stdout).not.toMatch(/secret_mac|sealed_secret/)
    const again = await renew('app')
    expect([again.code, again.stderr.includes('--end-old')]).toEqual([1, true])
    expect((await renew('app', '--end-old')).code).toBe(0)
    expect((await renew('app', '--end-old')).code).toBe(1)
    expect((await renew('app')).code).toBe(0)
    const leaked = JSON.parse((await renew('app', '--overlap', '0', '--json')).stdout) as Json
    expect(leaked).not.toHaveProperty('former_secret_until')
  }, 240_000) // eight processes

  test.each<[string, string[], number, string]>([
    ['an unknown client', ['nobody'], 1, 'there is no client'],
    ['a client without secret', ['public'], 1, 'has no secret'],
    ['an overlap that is too long', ['known', '--overlap', '91d'], 2, '--overlap'],
    ['--end-old with another option', ['known', '--end-old', '--overlap', '1h'], 2, '--end-old'],
    ['two sources', ['known', '--secret', strong, '--secret-stdin'], 2, 'expected one of'],
    ['a weak secret', ['known', '--secret', 'hunter2'], 2, '--weak-secret'],
  ])('%s is refused', async (_, args, exit, words) => {
    await add('known')
    await line.latchkey([
      'client',
      'add',
      'public',
      '--client-id',
      'public',
      '--public',
      '--redirect-uri',
      'https://a.example/cb',
    ])
    const { code, stderr, stdout } = await renew(...args)
    expect([code, stdout]).toEqual([exit, ''])
    expect(stderr).toContain(words)
    expect(stderr).not.toContain('hunter2')
  })

  test('a secret of one’s own: from stdin, a file or an argument, and never printed', async () => {
    writeFileSync(join(line.folder, 'secret'), `${strong}\n`)
    const ways: [string[], string?][] = [
      [['--secret-stdin'], `${strong}\n`],
      [['--secret-file', 'secret']],
      [['--secret', strong]],
    ]
    for (const [i, [args, input]] of ways.entries()) {
      const made = await line.latchkey(
        [
          'client',
          'add',
          'own',
          '--client-id',
          `own${i}`,
          '--grant-type',
          'client_credentials',
          ...args,
          '--json',
        ],
        input,
      )
      expect(made.code).toBe(0)
      expect(made.stdout + made.stderr).not.toContain(strong)
      expect(made.stderr.includes('list of processes')).toBe(args[0] === '--secret')
    }
    expect((await add('legacy', '--secret', 'hunter2', '--weak-secret')).code).toBe(0)
    expect((await add('keyless', '--public', '--secret', strong)).code).not.toBe(0)
    const short = await add(
      'jwt',
      '--auth-method',
      'client_secret_jwt',
      '--secret',
      'k3J8vQz1Lw9XrT5yBn7MpC2',
    )
    expect([short.code, short.stderr.includes('32')]).toEqual([2, true])
  })

  test('a secret that is too short to sign with stays one that is sent (RFC 7518 §3.2)', async () => {
    const set = (...args: string[]) => line.latchkey(['client', 'set', 'hmac', ...args])
    const signs = ['--auth-method', 'client_secret_jwt']
    expect((await add('hmac', '--secret', 'hunter2', '--weak-secret')).code).toBe(0)
    const weak = await set(...signs)
    expect([weak.code, weak.stderr.includes('latchkey client secret hmac')]).toEqual([1, true])
    expect(weak.stderr).not.toContain('hunter2')
    expect((await renew('hmac')).code).toBe(0)
    expect((await set(...signs)).code).toBe(1) // the short one still holds beside the new one
    expect((await renew('hmac', '--end-old')).code).toBe(0)
    expect((await set(...signs)).code).toBe(0)
    // A secret that this provider makes is long enough for each algorithm.
    const alg = JSON.stringify({ token_endpoint_auth_signing_alg: 'HS512' })
    writeFileSync(join(line.folder, 'hs512.json'), alg)
    expect((await set('--metadata', 'hs512.json')).code).toBe(0)
    const short = await renew('hmac', '--secret', strong)
    expect([short.code, short.stderr.includes('64')]).toEqual([2, true])
  }, 240_000) // ten processes
})

test.each<[string, string, boolean]>([
  ['32 hexadecimal digits', '9f86d081884c7d659a2feaa0c55ad015', false],
  ['base64', 'ZXhhbXBsZS1hcHAtc2VjcmV0', false],
  ['a password', 'correct horse', true],
  ['one character', 'a'.repeat(64), true],
  ['a word several times', 'secretpassword'.repeat(4), true],
  ['a short number', '1234567890123456789012345', true],
])('%s: is it weak?', (_, secret, weak) => {
  expect(weakness(secret) !== undefined).toBe(weak)
})
