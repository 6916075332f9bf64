/** The administration API of a process that serves: settings and their origins after SIGHUP, the levels of the log, jobs. */
import { expect, setDefaultTimeout, test } from 'bun:test'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '../support/free_port.ts'
import { until } from '../support/until.ts'
import { latchkeyCommand } from '../support/latchkey_command.ts'

setDefaultTimeout(240_000)

test('origins are those of the process, before and after SIGHUP; levels that were set stay', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-settings-'))
  const port = freePort()
  const dotenv = (lines: Record<string, string>) =>
    writeFileSync(
      join(folder, '.env'),
      Object.entries({ PORT: `${port}`, LOG_FORMAT: 'json', STORE_URL: 'sqlite:latchkey.db', ...lines })
        .map(([name, value]) => `${name}=${value}\n`)
        .join(''),
    )
  dotenv({ SCOPES: 'before' })
  const options = {
    cwd: folder,
    env: { PATH: process.env.PATH, HOME: folder, DEFAULT_LANGUAGE: 'de', STORE_TIMEOUT_MS: '30000' },
    stdout: 'pipe',
    stderr: 'pipe',
  } as const
  const run = [...latchkeyCommand]
  const child = Bun.spawn([...run, 'serve'], options)
  let text = ''
  const drain = async (stream: ReadableStream<Uint8Array>) => {
    for await (const chunk of stream) text += Buffer.from(chunk).toString()
  }
  void drain(child.stdout)
  void drain(child.stderr)
  const count = (event: string) => text.split(`"event":"${event}"`).length - 1
  try {
    await until(() => count('started') > 0, 'the server to start')
    const issuer = `http://localhost:${port}`
    const scope = 'admin:settings.read admin:settings.write'
    const added = Bun.spawn(
      [
        ...run,
        'client',
        'add',
        'Operations',
        '--grant-type',
        'client_credentials',
        '--scope',
        scope,
        '--json',
      ],
      options,
    )
    const client = (await new Response(added.stdout).json()) as Record<'client_id' | 'client_secret', string>
    const asked = await fetch(`${issuer}/token`, {
      method: 'POST',
      headers: { authorization: `Basic ${btoa(`${client.client_id}:${client.client_secret}`)}` },
      body: new URLSearchParams({ grant_type: 'client_credentials', resource: `${issuer}/admin/v1` }),
    })
    const { access_token } = (await asked.json()) as { access_token: string }
    const ask = async (method: string, path: string, body?: unknown) => {
      const answer = await fetch(`${issuer}/admin/v1${path}`, {
        method,
        headers: { authorization: `Bearer ${access_token}`, 'content-type': 'application/json' },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      })
      const said = await answer.text()
      return (said === '' ? {} : JSON.parse(said)) as Record<string, unknown>
    }
    const settings = async () => {
      const { items } = (await ask('GET', '/settings?changed=true&limit=200')) as {
        items: { name: string; value: string; from: string }[]
      }
      return Object.fromEntries(items.map(({ name, value, from }) => [name, `${value} by ${from}`]))
    }
    expect(await settings()).toMatchObject({
      SCOPES: 'before by .env',
      DEFAULT_LANGUAGE: 'de by environment',
      PORT: `${port} by .env`,
    })
    await ask('PUT', '/log_levels', { level: 'info', levels: { mail: 'debug' } })

    dotenv({ SCOPES: 'after' })
    child.kill('SIGHUP')
    await until(() => count('reloaded') > 0, 'the new settings')
    expect(await settings()).toMatchObject({
      SCOPES: 'after by .env',
      DEFAULT_LANGUAGE: 'de by environment',
    })
    expect(await ask('GET', '/log_levels')).toMatchObject({ levels: { mail: 'debug' }, is_configured: false })

    // What cannot be adopted changes nothing of what is told.
    dotenv({ SCOPES: 'never', SESSION_TTL: '60' })
    child.kill('SIGHUP')
    await until(() => count('reload_refused') > 0, 'a refusal')
    expect((await settings()).SCOPES).toBe('after by .env')

    dotenv({ SCOPES: 'after', LOG_LEVEL: 'debug' })
    child.kill('SIGHUP')
    await until(() => count('reloaded') > 1, 'new levels')
    expect(await ask('GET', '/log_levels')).toEqual({ level: 'debug', levels: {}, is_configured: true })

    const runsOf = async (job: string) => {
      const { items } = (await ask('GET', '/jobs')) as { items: { name: string; runs: number }[] }
      return items.find(({ name }) => name === job)!.runs
    }
    await until(async () => (await runsOf('keys')) > 0, 'a run of the job keys')
    const before = await runsOf('keys')
    await ask('POST', '/jobs/keys/run')
    await until(async () => (await runsOf('keys')) > before, 'the run that was asked for')
  } finally {
    child.kill('SIGKILL')
    await child.exited
    rmSync(folder, { recursive: true, force: true })
  }
})
