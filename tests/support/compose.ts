/** Compose files as Docker's own program reads them. No daemon is needed. */
import { join } from 'node:path'

const root = join(import.meta.dir, '../..')

/** `docker compose`, or the program of its own that older systems have. */
export function compose(file: string, ...args: string[]) {
  const env = { PATH: process.env.PATH, HOME: '/nonexistent', ISSUER_URL: 'https://id.example.com' }
  const ways = [['docker', 'compose'], ['docker-compose']]
  const way = ways.find(
    ([program = '', ...words]) =>
      Bun.which(program) !== null && Bun.spawnSync([program, ...words, 'version'], { env }).exitCode === 0,
  )
  if (!way) throw new Error('docker compose is missing: apt-get install docker-compose')
  return (changed: Record<string, string | undefined> = {}) => {
    const { exitCode, stdout, stderr } = Bun.spawnSync([...way, '-f', file, ...args], {
      cwd: root,
      env: { ...env, ...changed },
    })
    return { exitCode, stdout: stdout.toString(), stderr: stderr.toString() }
  }
}

export interface Service {
  image: string
  user?: string
  read_only: boolean
  cap_drop: string[]
  security_opt: string[]
  pids_limit: number
  mem_limit: unknown
  cpus: unknown
  healthcheck: { test: unknown }
  environment?: Record<string, string>
  networks: Record<string, unknown>
  ports?: unknown
  volumes?: unknown[]
}
