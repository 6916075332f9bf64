/** deploy/compose.ha.yaml: read by docker compose, and its parts fit together. tests/operations/staying_up.test.ts runs them. */
import { expect, test } from 'bun:test'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import manifest from '../../package.json' with { type: 'json' }
import { commandLine } from '../support/command.ts'
import { compose, type Service } from '../support/compose.ts'

const root = join(import.meta.dir, '../..')
const path = 'deploy/compose.ha.yaml'
const deploy = (name: string) => readFileSync(join(root, 'deploy', name), 'utf8')

interface HaService extends Omit<Service, 'networks'> {
  networks: Record<string, { ipv4_address?: string } | null>
  depends_on?: Record<string, { condition: string }>
  command?: string[]
  secrets?: { source: string }[]
}

const config = compose(path, 'config')
const { services, networks, secrets, volumes } = Bun.YAML.parse(config().stdout) as {
  services: Record<string, HaService>
  networks: Record<string, { internal?: boolean }>
  secrets: Record<string, { file: string }>
  volumes: Record<string, unknown>
}
const named = (start: string) =>
  Object.entries(services)
    .filter(([name]) => new RegExp(`^${start}-\\d$`).test(name))
    .map(([, service]) => service)
const instances = named('latchkey')
const servers = named('redis')
const addressIn = (network: string) => (service: HaService) =>
  service.networks[network]?.ipv4_address ?? 'no address'

test('it is accepted, asks for ISSUER_URL, and has three instances and six Redis servers', () => {
  expect(config().exitCode, config().stderr).toBe(0)
  expect(config({ ISSUER_URL: undefined }).stderr).toContain('https://id.example.com')
  expect([instances.length, servers.length]).toEqual([3, 6])
  expect(Object.keys(services)).toHaveLength(3 + 6 + 2)
  for (const { image } of instances) expect(image).toBe(`latchkey:${manifest.version}`)
})

test('every service is hardened and limited; Redis is for the instances alone', () => {
  for (const [name, service] of Object.entries(services)) {
    expect(service, name).toMatchObject({
      read_only: true,
      cap_drop: ['ALL'],
      security_opt: ['no-new-privileges:true'],
    })
    expect(service.pids_limit, name).toBeGreaterThan(0)
    expect(service.mem_limit, name).toBeTruthy()
    expect(service.cpus, name).toBeTruthy()
    if (name !== 'redis-cluster') expect(service.healthcheck.test, name).toBeTruthy()
    expect(service.ports !== undefined, name).toBe(name === 'nginx')
  }
  for (const service of servers) expect(Object.keys(service.networks)).toEqual(['store'])
  expect(networks.store?.internal).toBe(true)
  expect(Object.keys(services.nginx!.networks)).toEqual(['edge'])
  expect(Object.keys(volumes)).toHaveLength(6)
  for (const { file } of Object.values(secrets)) expect(file).toStartWith(join(root, 'secrets'))
})

test('every address that one part names is that of another', () => {
  const upstream = [...deploy('nginx.conf').matchAll(/^\s+server ([\d.]+):5000 /gm)].map(
    ([, address]) => address!,
  )
  expect(upstream).toEqual(instances.map(addressIn('edge')))
  for (const { environment } of instances)
    expect(environment!.TRUSTED_PROXIES).toBe(addressIn('edge')(services.nginx!))
  const joined = services['redis-cluster']!.environment!.NODES!.split(' ')
  expect(joined).toEqual(servers.map((server) => `${addressIn('store')(server)}:6379`))
  const [, url = ''] = /redis\+cluster:\/\/:%s@([\d.,]+)'/.exec(deploy('compose.ha.yaml')) ?? []
  expect(url.split(',')).toEqual(servers.slice(0, 3).map(addressIn('store')))
  for (const name of Object.keys(services['redis-cluster']!.depends_on!))
    expect(servers).toContain(services[name]!)
})

test('each secret that a file names is mounted there', () => {
  const mounted = ({ secrets = [] }: HaService) => secrets.map(({ source }) => source)
  for (const name of ['tls_certificate', 'tls_key']) {
    expect(deploy('nginx.conf')).toContain(`/run/secrets/${name};`)
    expect(mounted(services.nginx!)).toContain(name)
  }
  for (const server of servers) {
    const script = server.command!.at(-1)!
    expect(script).toContain('requirepass $$(cat /run/secrets/redis_password)')
    expect(script.split('<<END')[0]).not.toContain('redis_password') // not on a command line
    expect(mounted(server)).toEqual(['redis_password'])
  }
})

test('an instance starts with these settings, and a stop has the time that it needs', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-secrets-'))
  const password = 'b'.repeat(64)
  writeFileSync(join(folder, 'secret_key'), 'Xb9-kq2mV7_rT4yLw8zNf3cHj6pDs1gA5eQu0oRiMtE')
  writeFileSync(
    join(folder, 'redis_url'),
    `redis+cluster://:${password}@172.30.78.11,172.30.78.12,172.30.78.13`,
  )
  for (const { environment } of instances) {
    const env = Object.fromEntries(
      Object.entries(environment!).map(([name, value]) => [name, value.replace('/run/secrets', folder)]),
    )
    const line = commandLine(env)
    const { settings } = await line.json<{ settings: Record<string, string> }>('config', 'check', '--json')
    line.remove()
    expect(settings.ISSUER_URL).toBe('https://id.example.com')
    expect(Number(settings.SHUTDOWN_DELAY) + Number(settings.SHUTDOWN_TIMEOUT)).toBeLessThan(20)
    // Longer than a failover: redis_cluster.conf counts a server as down after 5 seconds.
    expect(Number(settings.REFRESH_TOKEN_GRACE)).toBeGreaterThan(10)
  }
  rmSync(folder, { recursive: true })
  expect(deploy('compose.ha.yaml')).toContain('stop_grace_period: 20s')
  expect(deploy('redis_cluster.conf')).toContain('\ncluster-node-timeout 5000\n')
}, 60_000)
