/** What is deployed with: compose.yaml, the Dockerfile, the two commands. Docker's daemon is not needed. */
import { mkdtempSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'bun:test'
import { systemClock } from '../../src/lib/clock.ts'
import { postgresStore } from '../../src/store/postgres.ts'
import { compose, type Service } from '../support/compose.ts'
import { startPostgres } from '../support/postgres.ts'
import manifest from '../../package.json' with { type: 'json' }

const root = join(import.meta.dir, '../..')
const read = (path: string) => readFileSync(join(root, path), 'utf8')

describe('compose.yaml', () => {
  test('is accepted by docker compose config, which asks for ISSUER_URL when there is none', () => {
    const config = compose('compose.yaml', 'config')
    const { exitCode, stderr } = config()
    expect(exitCode, stderr).toBe(0)
    const without = config({ ISSUER_URL: undefined })
    expect(without.exitCode).not.toBe(0)
    expect(without.stderr).toContain('https://id.example.com')
  })

  test('both services are hardened, limited and watched; Redis is for the provider alone', () => {
    const resolved = Bun.YAML.parse(compose('compose.yaml', 'config')().stdout) as {
      services: { latchkey: Service; redis: Service }
      networks: Record<string, { internal?: boolean }>
    }
    const { latchkey, redis } = resolved.services
    for (const service of [latchkey, redis]) {
      expect(service).toMatchObject({
        read_only: true,
        cap_drop: ['ALL'],
        security_opt: ['no-new-privileges:true'],
      })
      expect(service.pids_limit).toBeGreaterThan(0)
      expect(service.mem_limit).toBeTruthy()
      expect(service.cpus).toBeTruthy()
      expect(service.healthcheck.test).toBeTruthy()
    }
    expect(Object.keys(redis.networks)).toEqual(['store'])
    expect(resolved.networks.store?.internal).toBe(true)
    expect(redis.ports).toBeUndefined()
    expect(redis.user).toBe('999:999')
    expect(redis.volumes).toHaveLength(1)
    expect(latchkey.environment).toMatchObject({
      NODE_ENV: 'production',
      SECRET_KEY_FILE: '/run/secrets/secret_key',
      REDIS_URL_FILE: '/run/secrets/redis_url',
    })
    expect(JSON.stringify(latchkey.ports)).toContain('127.0.0.1')
    expect(latchkey.image).toBe(`latchkey:${manifest.version}`)
  })

  test('Redis keeps what it acknowledged, evicts nothing, and gets its password where nobody looks', () => {
    const { services } = Bun.YAML.parse(read('compose.yaml')) as {
      services: { redis: { command: string[] } }
    }
    const script = services.redis.command.at(-1)!
    for (const option of ['--appendonly yes', '--appendfsync always', '--maxmemory-policy noeviction'])
      expect(script).toContain(option)
    expect(script.split('<<END')[0]).not.toContain('requirepass')
  })
})

describe('deploy/compose.postgres.yaml', () => {
  test('both services are hardened, limited and watched; PostgreSQL is for the provider alone', () => {
    const config = compose('deploy/compose.postgres.yaml', 'config')()
    expect(config.exitCode, config.stderr).toBe(0)
    const resolved = Bun.YAML.parse(config.stdout) as {
      services: { latchkey: Service; postgres: Service }
      networks: Record<string, { internal?: boolean }>
      secrets: Record<string, { file: string }>
    }
    const { latchkey, postgres } = resolved.services
    for (const service of [latchkey, postgres]) {
      expect(service).toMatchObject({
        read_only: true,
        cap_drop: ['ALL'],
        security_opt: ['no-new-privileges:true'],
      })
      expect(service.pids_limit).toBeGreaterThan(0)
      expect(service.mem_limit).toBeTruthy()
      expect(service.cpus).toBeTruthy()
      expect(service.healthcheck.test).toBeTruthy()
    }
    expect(Object.keys(postgres.networks)).toEqual(['store'])
    expect(resolved.networks.store?.internal).toBe(true)
    expect(postgres.ports).toBeUndefined()
    expect(postgres.user).toBe('999:999')
    expect(latchkey.environment).toMatchObject({
      NODE_ENV: 'production',
      SECRET_KEY_FILE: '/run/secrets/secret_key',
      STORE_URL_FILE: '/run/secrets/store_url',
    })
    expect(latchkey.image).toBe(`latchkey:${manifest.version}`)
    for (const { file } of Object.values(resolved.secrets)) expect(file).toStartWith(join(root, 'secrets'))
  })

  test('the script of the first start makes a user that owns its database and nothing else', async () => {
    const server = await startPostgres({ user: false })
    try {
      const secret = join(mkdtempSync(join(tmpdir(), 'latchkey-secret-')), 'password')
      writeFileSync(secret, "it's a 'secret'")
      const script = Bun.spawnSync(['sh', join(root, 'deploy/postgres_user.sh')], {
        env: {
          PATH: `${server.programs}:${process.env.PATH}`,
          PGHOST: server.directory,
          PGPORT: `${server.port}`,
          LATCHKEY_PASSWORD_FILE: secret,
        },
      })
      expect(script.exitCode, script.stderr.toString()).toBe(0)
      const url = `postgres://latchkey:${encodeURIComponent("it's a 'secret'")}@127.0.0.1:${server.port}/latchkey`
      const store = await postgresStore(url, systemClock, { timeoutMs: 30_000 })
      await store.put('k', 'v')
      await store.close()
      const may = 'SELECT rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication FROM pg_roles'
      expect(server.psql(`${may} WHERE rolname = 'latchkey'`)).toBe('f')
    } finally {
      await server.stop()
    }
  }, 60_000)
})

describe('Dockerfile', () => {
  const lines = read('Dockerfile').split('\n')

  test('builds with the Bun of this test, ends without a shell, as nobody', () => {
    const stages = lines.filter((line) => line.startsWith('FROM '))
    expect(stages).toHaveLength(2)
    expect(stages[0]).toBe(`FROM oven/bun:${Bun.version} AS build`)
    expect(stages[1]).toContain('distroless')
    const last = lines.slice(lines.indexOf(stages[1]!))
    expect(last).toContain('USER 65532:65532')
    expect(last.filter((line) => line.startsWith('RUN '))).toEqual([])
    expect(last.some((line) => line.startsWith('HEALTHCHECK '))).toBe(true)
  })

  test('everything it copies exists and is let in by .dockerignore', () => {
    const allowed = read('.dockerignore')
      .split('\n')
      .filter((line) => line.startsWith('!'))
      .map((line) => line.slice(1))
    const copied = lines
      .filter((line) => line.startsWith('COPY ') && !line.includes('--from'))
      .flatMap((line) => line.split(' ').slice(1, -1))
    expect(copied.length).toBeGreaterThan(4)
    for (const path of copied) {
      expect(statSync(join(root, path))).toBeTruthy()
      expect(allowed).toContain(path)
    }
  })
})

test('.ci/run is executable, is a script bash reads, and runs the same test command as people do', () => {
  const path = join(root, '.ci/run')
  expect(statSync(path).mode & 0o111).toBe(0o111)
  expect(Bun.spawnSync(['bash', '-n', path]).exitCode).toBe(0)
  expect(read('.ci/run').trimEnd().split('\n').at(-1)).toBe('bun run test')
  expect(read('.ci/run')).toContain(`bun@${Bun.version}`)
})
