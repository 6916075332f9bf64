/** Three instances of one provider as processes, behind no proxy: each request names the instance, or takes the next one that is up. */
import { tmpdir } from 'node:os'
import { freePort } from './free_port.ts'
import type { Fetch } from './journey.ts'
import { spawnProvider, type SpawnedProvider } from './provider.ts'
import { latchkeyCommand } from './latchkey_command.ts'

/** `started` gets each process, so that a test that fails can end them. */
export function threeInstances(started: SpawnedProvider[]) {
  const issuer = `http://localhost:${freePort()}` // nobody listens there: each request goes to one of the three
  const shared = {
    ISSUER_URL: issuer,
    AUDIT_SIGNING_KEY: 'a-key-for-the-audit-trail-of-this-test',
    STORE_TIMEOUT_MS: '30000',
    AUTHORIZATION_CODE_TTL: '600', // a busy machine takes minutes between a code and its replay
    REFRESH_TOKEN_GRACE: '30',
    RATE_LIMITING_ENABLED: 'false', // all of the load comes from one address
    SECRET_KEY: 'tGh3o2uTqJ1mZ8vXw5cR7yLk0sNd9bQf4iAe6pUx',
  }
  const ports = [freePort(), freePort(), freePort()]
  const instances: (SpawnedProvider | undefined)[] = []
  const start = async (i: number, env: Record<string, string>) => {
    const one = await spawnProvider({ ...env, PORT: `${ports[i]}`, AUDIT_CHAIN: `web-${i}` })
    instances[i] = one
    started.push(one)
  }
  const end = async (i: number, signal: NodeJS.Signals) => {
    const one = instances[i]!
    instances[i] = undefined
    one.signal(signal)
    await one.exited
  }
  /** One after the other. */
  const restart = async (env: Record<string, string>, which: readonly number[] = [0, 1, 2]) => {
    for (const i of which) {
      if (instances[i]) await end(i, 'SIGTERM')
      await start(i, env)
    }
  }
  const at =
    (i: number): Fetch =>
    (url, init) =>
      fetch(url.replace(issuer, `http://localhost:${ports[i]}`), init)
  let turn = 0
  const balanced: Fetch = (url, init) => {
    const up = ports.map((_, i) => i).filter((i) => instances[i])
    return at(up[turn++ % up.length]!)(url, init)
  }
  /** Not waited for, so that a test may end it in between. */
  const command = (env: Record<string, string>, ...args: string[]) =>
    Bun.spawn([...latchkeyCommand, ...args], {
      cwd: tmpdir(),
      env: { PATH: process.env.PATH, HOME: tmpdir(), ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
  return { issuer, shared, ports, instances, start, end, restart, at, balanced, command }
}

/** What a command wrote, and its exit code. */
export async function finished(child: Bun.Subprocess<'ignore', 'pipe', 'pipe'>) {
  const [stdout, stderr, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ])
  return { stdout, stderr, code }
}
