/** Signing keys of a PKCS#11 token: SoftHSM, whose library is in a process of its own. Issue 10, section 4. */
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { createLocalJWKSet, createRemoteJWKSet, jwtVerify } from 'jose'
import type { SigningAlg } from '../../src/auth/jwk.ts'
import { sign } from '../../src/auth/jws.ts'
import { openRemoteKeys } from '../../src/cli/key_sources/open_sources.ts'
import { PinRefused, requireTries } from '../../src/cli/pkcs11/token.ts'
import { loadConfig } from '../../src/config.ts'
import { parsePkcs11Uri } from '../../src/config/pkcs11_uri.ts'
import { createLog } from '../../src/lib/log.ts'
import { loadKeyRing } from '../../src/models/key_ring.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { featureEntries } from '../../src/table.ts'
import { commandLine } from '../support/command.ts'
import { blocksOf, document } from '../support/document.ts'
import { freePort } from '../support/free_port.ts'
import { spawnProvider, turnableClock } from '../support/provider.ts'
import { type SoftHsm, startSoftHsm } from '../support/softhsm.ts'
import { until } from '../support/until.ts'
import { latchkeyBinary, putLatchkey } from '../support/latchkey_command.ts'

setDefaultTimeout(240_000)

let hsm: SoftHsm
const closers: (() => void)[] = []
beforeAll(async () => {
  hsm = await startSoftHsm()
  await hsm.add('ES256', 'es256', '01')
  await hsm.add('RS256', 'rs256', '02')
  await hsm.add('PS256', 'ps256', '03')
  await hsm.add('EdDSA', 'eddsa', '04')
})
afterAll(() => hsm.remove())

/** A ring as `serve` opens it. */
async function ringOf(sources: string, more: Record<string, string> = {}) {
  const env = {
    PATH: process.env.PATH!,
    ...hsm.env,
    PKCS11_PIN: hsm.pin,
    ...more,
    SIGNING_KEY_SOURCES: sources,
  }
  const config = loadConfig(env, { featureEntries })
  const lines: string[] = []
  const clock = turnableClock()
  const log = createLog('info', 'json', (line) => lines.push(line))
  const remote = openRemoteKeys({ config, clock, log }, env)
  closers.push(remote.close)
  const ring = await loadKeyRing({
    storage: memoryStore(clock),
    sealingKey: new Uint8Array(32).fill(7),
    clock,
    log,
    algs: Object.keys(config.signingKeySources) as SigningAlg[],
    activationDelay: 600,
    retention: 3600,
    remote,
  })
  const token = async (alg: SigningAlg = 'ES256') => sign(ring.signer(alg), 'JWT', { sub: 'a' })
  return { ring, clock, lines, token }
}

type Ring = Awaited<ReturnType<typeof ringOf>>
const verified = async ({ ring }: Ring, jwt: string) => {
  const keys = createLocalJWKSet(JSON.parse(ring.jwks().body) as Parameters<typeof createLocalJWKSet>[0])
  return (await jwtVerify(jwt, keys)).protectedHeader
}
const failureOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => Promise.reject(new Error('expected a refusal')),
    (error: Error) => error.message,
  )

/** The processes of libraries that `parent` began. */
const libraryProcesses = (parent = process.pid): number[] =>
  Bun.spawnSync(['pgrep', '-P', `${parent}`, '-f', 'pkcs11-process'])
    .stdout.toString()
    .split('\n')
    .filter(Boolean)
    .map(Number)

afterEach(() => closers.splice(0).forEach((close) => close()))

describe('a token', () => {
  test('each algorithm, through one process, which knows neither our secrets nor the PIN by its environment or arguments', async () => {
    const sources = (['ES256', 'RS256', 'PS256', 'EdDSA'] as const).map(
      (alg) => `${alg}=${hsm.uri(alg.toLowerCase())}`,
    )
    const opened = await ringOf(sources.join(' '), {
      SECRET_KEY: 'the-secret-key-of-this-test',
      METRICS_TOKEN: 'the-metrics-token-of-this-test',
    })
    for (const alg of ['ES256', 'RS256', 'PS256', 'EdDSA'] as const)
      expect(await verified(opened, await opened.token(alg))).toEqual({
        alg,
        typ: 'JWT',
        kid: opened.ring.signer(alg).kid,
      })
    const [child, ...others] = libraryProcesses()
    expect(others).toEqual([])
    const seen = ['cmdline', 'environ'].map((name) => readFileSync(`/proc/${child}/${name}`, 'latin1')).join()
    for (const secret of [hsm.pin, 'the-secret-key-of-this-test', 'the-metrics-token-of-this-test'])
      expect(seen).not.toContain(secret)
    expect(seen).toContain('SOFTHSM2_CONF')
    closers.forEach((close) => close())
    await until(() => libraryProcesses().length === 0, 'the end of the process')
  })

  test('a new key of the same name with a higher id is found and announced; the old one signs until then', async () => {
    await hsm.add('ES256', 'turning', '09')
    const opened = await ringOf(`ES256=${hsm.uri('turning')}`)
    await hsm.add('ES256', 'turning', '0a')
    await hsm.add('RS256', 'turning', '0b') // of another kind
    opened.clock.advance(60_000)
    await opened.ring.rotateDue()
    const versions = () => opened.ring.list().map(({ state, version }) => `${state} ${version}`)
    expect(versions()).toEqual(['current 09', 'next 0a'])
    const [old, next] = opened.ring.list().map(({ kid }) => kid)
    expect((await verified(opened, await opened.token())).kid).toBe(old!)
    opened.clock.advance(600_000)
    expect((await verified(opened, await opened.token())).kid).toBe(next!)
    expect(await failureOf(opened.ring.rotate())).toContain('Make a new key there')
  })

  test('a process that is killed, and one that hangs, is replaced', async () => {
    const opened = await ringOf(`ES256=${hsm.uri('es256')}`, { OUTBOUND_TIMEOUT_MS: '3000' })
    await opened.token()
    const [first] = libraryProcesses()
    process.kill(first!, 'SIGKILL')
    await verified(opened, await opened.token())
    const [second] = libraryProcesses()
    expect(second).not.toBe(first)
    process.kill(second!, 'SIGSTOP')
    expect(await failureOf(opened.token())).toMatch(/did not answer within|gave no signature within 3000 ms/)
    await until(() => !libraryProcesses().includes(second!), 'the end of the process that hangs')
    await verified(opened, await opened.token())
    expect(libraryProcesses()).toHaveLength(1)
  })

  test('200 signatures at once go through one process, whose end in between loses none of them', async () => {
    const opened = await ringOf(`ES256=${hsm.uri('es256')}`, { OUTBOUND_TIMEOUT_MS: '60000' })
    const all = Array.from({ length: 200 }, () => opened.token())
    process.kill(libraryProcesses()[0]!, 'SIGKILL')
    await Promise.all((await Promise.all(all)).map((jwt) => verified(opened, jwt)))
    expect(libraryProcesses()).toHaveLength(1)
  })

  test('a token that is taken out is an outage, and signs again when it is back', async () => {
    const opened = await ringOf(`ES256=${hsm.uri('es256')}`)
    const copy = mkdtempSync(join(tmpdir(), 'latchkey-softhsm-copy-'))
    cpSync(hsm.tokens, copy, { recursive: true })
    rmSync(hsm.tokens, { recursive: true })
    process.kill(libraryProcesses()[0]!, 'SIGKILL')
    expect(await failureOf(opened.token())).toContain('pkcs11:token=latchkey;object=es256')
    cpSync(copy, hsm.tokens, { recursive: true })
    rmSync(copy, { recursive: true })
    opened.clock.advance(60_000)
    await verified(opened, await opened.token())
  })

  test('a key that is removed is refused; its session ends, and the process begins another once', async () => {
    await hsm.add('ES256', 'gone', '0c')
    const opened = await ringOf(`ES256=${hsm.uri('gone')}`)
    await opened.token()
    const removed = Bun.spawnSync(
      [
        'pkcs11-tool',
        '--module',
        hsm.module,
        '--token-label',
        'latchkey',
        '--login',
        '--pin',
        hsm.pin,
        '--delete-object',
        '--type',
        'privkey',
        '--id',
        '0c',
      ],
      { env: { PATH: process.env.PATH, ...hsm.env } },
    )
    expect(removed.exitCode).toBe(0)
    expect(await failureOf(opened.token())).toMatch(
      /expected one private key with the id 0c on the token, got 0|CKR_/,
    )
  })
})

describe('a PIN', () => {
  test('a wrong one is tried once: not again when it would be right by now', async () => {
    const sources = `ES256=${hsm.uri('es256')}`
    const wrong = await failureOf(ringOf(sources, { PKCS11_PIN: 'wrong-pin' }))
    expect(wrong).toContain('the token did not take PKCS11_PIN (C_Login: CKR_PIN_INCORRECT)')
    expect(wrong).not.toContain('wrong-pin')

    const opened = await ringOf(sources)
    const old = hsm.pin
    await hsm.changePin('another-pin')
    process.kill(libraryProcesses()[0]!, 'SIGKILL')
    expect(await failureOf(opened.token())).toContain('CKR_PIN_INCORRECT')
    await hsm.changePin(old)
    for (let i = 0; i < 5; i++) {
      opened.clock.advance(60_000)
      await opened.ring.rotateDue()
      expect(await failureOf(opened.token())).toContain('It is not tried again before a restart')
    }
    expect(libraryProcesses()).toEqual([])
    const restarted = await ringOf(sources)
    await verified(restarted, await restarted.token())
    expect(opened.lines.join()).not.toContain(old)
  })

  test('is not tried where a wrong one would lock the token, nor where it is locked', () => {
    expect(() => requireTries(0x10405)).not.toThrow() // one wrong try before: CKF_USER_PIN_COUNT_LOW
    expect(() => requireTries(0x20405)).toThrow(PinRefused)
    expect(() => requireTries(0x40405)).toThrow('is locked')
  })

  test('in a URI it is refused and not shown; without one it is asked for', async () => {
    for (const attribute of ['pin-value=8437-geheim', 'pin-source=file:/etc/8437-geheim']) {
      const text = `ES256=${hsm.uri('es256')}&${attribute}`
      let said = ''
      try {
        loadConfig({ SIGNING_KEY_SOURCES: text }, { featureEntries })
      } catch (error) {
        said = (error as Error).message
      }
      expect(said).toContain('expected no PIN in a pkcs11: URI, but in PKCS11_PIN')
      expect(said).not.toContain('geheim')
    }
    expect(await failureOf(ringOf(`ES256=${hsm.uri('es256')}`, { PKCS11_PIN: '' }))).toContain(
      'set PKCS11_PIN',
    )
  })
})

test('what is wrong is said at the start', async () => {
  await hsm.add('EC:secp384r1', 'p384', '0d')
  const cases: [uri: string, said: string][] = [
    [hsm.uri('none'), 'the token has no private key of this name and an id for ES256'],
    [hsm.uri('rs256'), 'the token has no private key of this name and an id for ES256'],
    [hsm.uri('p384'), 'the key with the id 0d is on another curve than P-256'],
    [
      hsm.uri('es256').replace('token=latchkey', 'token=other'),
      'expected one token that the URI names, got 0',
    ],
    [hsm.uri('es256').replace('.so', '2.so'), 'libsofthsm22.so'],
    [hsm.uri('es256').replace(hsm.module, '/etc/hostname'), '/etc/hostname'],
    [hsm.uri('es256').replace(hsm.module, '/lib/x86_64-linux-gnu/libc.so.6'), 'C_GetFunctionList'],
  ]
  for (const [uri, said] of cases) {
    expect(await failureOf(ringOf(`ES256=${uri}`))).toContain(said)
    closers.splice(0).forEach((close) => close())
  }
})

test('a URI of RFC 7512 and nothing else', () => {
  const path = 'module-path=/usr/lib/softhsm/libsofthsm2.so'
  expect(
    parsePkcs11Uri(`token=My%20token%25;serial=9a;object=k;id=%01%fF;type=private;slot-id=7?${path}`),
  ).toEqual({
    module: '/usr/lib/softhsm/libsofthsm2.so',
    token: { token: 'My token%', serial: '9a' },
    slot: 7,
    object: 'k',
    id: '01ff',
  })
  for (const wrong of [
    '',
    `?${path}`, // no key
    `token=a?${path}`,
    'object=k',
    'object=k?module-path=libsofthsm2.so', // relative: which file is it?
    'object=k?module-name=softhsm2',
    `object=k;object=l?${path}`,
    `object=?${path}`,
    `object=k;unknown=1?${path}`,
    `object=k;type=public?${path}`,
    `object=k;slot-id=x?${path}`,
    `object=%?${path}`,
    `object=%00?${path}`,
    `object=%ff?${path}`,
    `object=a b?${path}`,
    `object=k?${path}&${path}`,
    `object=k?${path}?x`,
  ])
    expect(parsePkcs11Uri(wrong)).toBeUndefined()
})

describe('a provider', () => {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-pkcs11-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  const envOf = () => ({
    ...hsm.env,
    NODE_ENV: 'development',
    PKCS11_PIN: hsm.pin,
    SIGNING_KEY_SOURCES: `ES256=${hsm.uri('es256')}`,
    SIGNING_ALGS: 'ES256',
    ACCESS_TOKEN_ALG: 'ES256',
    LOG_FORMAT: 'json',
    OUTBOUND_TIMEOUT_MS: '30000',
  })

  test('of the binary signs, outlives its library, and takes it along when it ends', async () => {
    const binary = await latchkeyBinary(folder)
    const op = await spawnProvider({ ...envOf(), STORE_URL: `sqlite:${folder}/one.db` }, [binary, 'serve'])
    let child: number | undefined
    try {
      const ask = () =>
        fetch(`${op.issuer}/token`, {
          method: 'POST',
          headers: { authorization: `Basic ${btoa('client123:secret456')}` },
          body: new URLSearchParams({ grant_type: 'client_credentials' }),
        })
      const { access_token } = (await (await ask()).json()) as { access_token: string }
      await jwtVerify(access_token, createRemoteJWKSet(new URL(`${op.issuer}/jwks.json`)))
      process.kill(libraryProcesses(op.pid)[0]!, 'SIGKILL')
      expect((await ask()).status).toBe(200)
      child = libraryProcesses(op.pid)[0]
      process.kill(child!, 'SIGTERM') // as a service manager does to all processes of a service
      expect((await ask()).status).toBe(200)
      expect(libraryProcesses(op.pid)).toEqual([child!])
      expect(op.output()).not.toContain(hsm.pin)
      op.signal('SIGKILL')
      await op.exited
      await until(
        () => !Bun.spawnSync(['kill', '-0', `${child}`]).success,
        'the end of the process of the library',
      )
    } finally {
      await op.stop()
    }
  })

  test('commands end; config check --deep signs once and says what is wrong; the PIN may be a reference', async () => {
    const { PKCS11_PIN: _, ...env } = envOf()
    const line = commandLine({
      ...env,
      STORE_URL: 'sqlite:latchkey.db',
      PKCS11_PIN: `exec:/bin/echo ${hsm.pin}`,
    })
    const checked = await line.latchkey(['config', 'check', '--deep'])
    expect(checked.stdout + checked.stderr).not.toContain('SIGNING_KEY_SOURCES:')
    const generated = await line.latchkey(['keys', 'generate'])
    expect(generated.code).toBe(0)
    expect(generated.stdout).toContain(`${hsm.uri('es256')} 01`)
    const { code, stderr } = await line.latchkey(['keys', 'rotate'])
    expect([code, stderr]).toEqual([1, expect.stringContaining('Make a new key there, and run this again')])
    line.remove()
    const wrong = commandLine({ ...env, STORE_URL: 'sqlite:latchkey.db', PKCS11_PIN: 'wrong-pin' })
    const said = await wrong.latchkey(['config', 'check', '--deep'])
    expect(said.stdout + said.stderr).toContain(
      `SIGNING_KEY_SOURCES: ES256: ${hsm.uri('es256')}: the token did not take PKCS11_PIN`,
    )
    expect(said.stdout + said.stderr).not.toContain('wrong-pin')
    const ended = await wrong.latchkey(['serve'])
    expect([ended.code, ended.stderr]).toEqual([
      2,
      expect.stringContaining('the token did not take PKCS11_PIN'),
    ])
    wrong.remove()
  })

  test('docs/deployment.md: the commands make a token that signs', async () => {
    const block = blocksOf(document('docs/deployment.md')).find(({ text }) => text.includes('softhsm2-util'))!
    const own = mkdtempSync(join(folder, 'document-'))
    putLatchkey(own)
    const child = Bun.spawn(['sh', '-e', '-c', block.text], {
      cwd: own,
      env: {
        PATH: `${own}:${process.env.PATH}`,
        HOME: own,
        NODE_ENV: 'development',
        STORE_URL: 'sqlite:latchkey.db',
        PORT: `${freePort()}`,
      },
      stdout: 'pipe',
      stderr: 'pipe',
    })
    const [said, problem] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
    ])
    expect([await child.exited, problem]).toEqual([0, expect.any(String)])
    expect(said).toMatch(/ES256 +current .* pkcs11:token=latchkey;object=signing\?module-path=\S+ 01/)
  })
})
