/** A server whose secrets are in Vault: its start, a change there, and an outage of Vault. Issue 10, section 4. */
import { afterAll, expect, test } from 'bun:test'
import { spawnProvider } from '../support/provider.ts'
import { until } from '../support/until.ts'
import { startVault } from '../support/vault.ts'
import { latchkeyCommand } from '../support/latchkey_command.ts'

const vault = startVault()
vault.secrets['secret/latchkey'] = { key: 'k'.repeat(40), metrics: 'the-first-metrics-token' }
afterAll(() => vault.stop())

const env = {
  VAULT_ADDR: vault.address,
  VAULT_ROLE_ID: 'our-role',
  VAULT_SECRET_ID: 'our-secret-id',
  SECRET_KEY: 'vault:secret/latchkey#key',
  METRICS_TOKEN: 'vault:secret/latchkey#metrics',
  LOG_FORMAT: 'json',
}

const metricsWith = async (issuer: string, token: string) =>
  (await fetch(`${issuer}/metrics`, { headers: { authorization: `Bearer ${token}` } })).status

test('a secret that changed counts after SIGHUP or a refresh; an outage of Vault changes nothing and is seen', async () => {
  const op = await spawnProvider({ ...env, SECRETS_REFRESH: '1' })
  try {
    expect(await metricsWith(op.issuer, 'the-first-metrics-token')).toBe(200)
    vault.secrets['secret/latchkey']!.metrics = 'another-metrics-token'
    await until(async () => (await metricsWith(op.issuer, 'another-metrics-token')) === 200, 'the new token')
    expect(await metricsWith(op.issuer, 'the-first-metrics-token')).toBe(404)
    expect(op.output()).toContain('"changed":["METRICS_TOKEN"]')

    vault.seal(true)
    const headers = { authorization: 'Bearer another-metrics-token' }
    const health = async () => {
      const answer = await fetch(`${op.issuer}/health`, { headers })
      return { status: answer.status, said: (await answer.json()) as { checks: object; details: object } }
    }
    await until(
      async () => 'secrets' in (await health()).said.checks && op.output().includes('"secret_unread"'),
      'the outage to be seen',
    )
    const { status, said } = await health()
    expect(status).toBe(200)
    expect(said).toMatchObject({
      checks: { secrets: 'unread' },
      details: { secrets: { METRICS_TOKEN: expect.stringContaining('Vault is sealed') } },
    })
    op.signal('SIGHUP')
    await until(
      () => op.output().includes('"event":"reloaded"') || op.output().includes('reloaded'),
      'a reload',
    )
    expect(await metricsWith(op.issuer, 'another-metrics-token')).toBe(200)

    vault.seal(false)
    await until(
      async () => JSON.stringify((await health()).said.checks).includes('"secrets":"ok"'),
      'Vault to be read again',
    )
    vault.secrets['secret/latchkey']!.key = 'x'.repeat(40)
    await until(() => op.output().includes('SECRET_KEY: needs a restart'), 'the refusal')
    expect(await metricsWith(op.issuer, 'another-metrics-token')).toBe(200)
    // It waits for a restart, and holds no other secret back.
    vault.secrets['secret/latchkey']!.metrics = 'the-third-metrics-token'
    await until(
      async () => (await metricsWith(op.issuer, 'the-third-metrics-token')) === 200,
      'the third token',
    )
    expect(await metricsWith(op.issuer, 'another-metrics-token')).toBe(404)
    for (const secret of ['k'.repeat(40), 'x'.repeat(40), 'another-metrics-token', 'our-secret-id'])
      expect(op.output()).not.toContain(secret)
  } finally {
    vault.secrets['secret/latchkey']!.key = 'k'.repeat(40)
    vault.seal(false)
    await op.stop()
  }
}, 120_000)

const command = async (args: string[], more: Record<string, string> = {}) => {
  const child = Bun.spawn([...latchkeyCommand, ...args], {
    cwd: '/tmp',
    env: { PATH: process.env.PATH, HOME: '/tmp', ...env, ...more },
    stdout: 'pipe',
    stderr: 'pipe',
  })
  const [out, err] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()])
  return { code: await child.exited, out, err }
}

test('config check says where a secret is and not what it is; without Vault it names each variable', async () => {
  const good = await command(['config', 'check'])
  expect(good).toMatchObject({ code: 0 })
  expect(good.out).toMatch(/^SECRET_KEY +hidden +vault$/m)
  vault.seal(true)
  const bad = await command(['config', 'check'])
  const start = await command(['serve'])
  vault.seal(false)
  for (const { code, err } of [bad, start]) {
    expect(code).toBe(2)
    for (const name of ['SECRET_KEY', 'METRICS_TOKEN'])
      expect(err).toMatch(new RegExp(`^${name}: Vault .*503`, 'm'))
  }
}, 60_000)

test('the health command needs no secret', async () => {
  const { err } = await command(['health'], { VAULT_ADDR: 'http://127.0.0.1:9', PORT: '9' })
  expect(err).toContain('no answer from http://localhost:9/health')
}, 60_000)
