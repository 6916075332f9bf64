/** A real Prometheus on loopback, and promtool. https://prometheus.io/docs/prometheus/latest/querying/api/ */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from './free_port.ts'
import { until } from './until.ts'

const program = (name: string): string => {
  const path = Bun.which(name, { PATH: process.env.PATH ?? '' })
  if (!path) throw new Error(`${name} is missing: apt-get install prometheus`)
  return path
}

/** Runs promtool to its end; `input` is its stdin. */
export async function promtool(args: readonly string[], input = '') {
  const child = Bun.spawn([program('promtool'), ...args], {
    stdin: new TextEncoder().encode(input),
    stdout: 'pipe',
    stderr: 'pipe',
    timeout: 60_000,
  })
  const [stdout, stderr] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ])
  return { code: await child.exited, said: stdout + stderr }
}

export interface QueryResult {
  metric: Record<string, string>
  value: [number, string]
}

export interface Prometheus {
  /** The result of an instant query. Throws what Prometheus says of a query that it cannot read. */
  query(expr: string): Promise<QueryResult[]>
  /** The data of `/api/v1/PATH`. */
  api<T>(path: string): Promise<T>
  stop(): Promise<void>
}

/** `config` is the path of its configuration. Keeps its data in a folder that the end removes. */
export async function startPrometheus(config: string): Promise<Prometheus> {
  const data = mkdtempSync(join(tmpdir(), 'latchkey-prometheus-'))
  const at = `127.0.0.1:${freePort()}`
  const child = Bun.spawn(
    [
      program('prometheus'),
      `--config.file=${config}`,
      `--storage.tsdb.path=${data}`,
      `--web.listen-address=${at}`,
      '--log.level=warn',
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  )
  const said = new Response(child.stderr).text()
  const stop = async () => {
    child.kill('SIGKILL')
    await child.exited
    rmSync(data, { recursive: true, force: true })
  }
  const api = async <T>(path: string): Promise<T> => {
    const answer = await fetch(`http://${at}/api/v1/${path}`)
    const {
      status,
      data: found,
      error,
    } = (await answer.json()) as { status: string; data: T; error?: string }
    if (status !== 'success') throw new Error(`${decodeURIComponent(path)}: ${error}`)
    return found
  }
  try {
    await until(async () => {
      if (child.exitCode !== null) throw new Error(`prometheus ended: ${await said}`)
      return fetch(`http://${at}/-/ready`).then(
        ({ ok }) => ok,
        () => false,
      )
    }, 'prometheus to be ready')
  } catch (error) {
    await stop()
    throw error
  }
  return {
    api,
    query: async (expr) =>
      (await api<{ result: QueryResult[] }>(`query?query=${encodeURIComponent(expr)}`)).result,
    stop,
  }
}
