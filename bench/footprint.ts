/** How small and how quick to start: `bun bench/footprint.ts [--serve 'dist/latchkey serve']`. See README.md. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { type Child, commandOf, freePort, runChild, startChild } from './child.ts'
import { openConnection } from './connection.ts'
import { drive, median } from './measure.ts'
import { describeSelf, driverCore, selfEnvironment, serverCore, type Variant } from './providers.ts'
import { get } from './request.ts'
import { openSession } from './session.ts'
import { workloads } from './workloads.ts'

const { values } = parseArgs({
  options: {
    serve: { type: 'string', default: `${resolve(import.meta.dir, '../dist/latchkey')} serve` },
    starts: { type: 'string', default: '10' },
    tokens: { type: 'string', default: '100000' },
    million: { type: 'string', default: '500000' },
  },
})
const command = commandOf(values.serve)
const directory = mkdtempSync(join(tmpdir(), 'latchkey-footprint-'))

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`

/** Bytes that are in memory now. */
const resident = (pid: number): number =>
  Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]) * 1024

/** Started in an empty directory, as the binary promises to; its keys are made at the first start and kept there. */
async function start(variant: Variant): Promise<Child & { issuer: string; took: number }> {
  const port = await freePort()
  const issuer = `http://localhost:${port}`
  const health = get(`${issuer}/health`)
  const began = performance.now()
  const child = await startChild(serverCore, command, {
    cwd: directory,
    every: 0.5,
    env: selfEnvironment(variant, port),
    async ready() {
      const connection = await openConnection('localhost', port)
      const { status } = await connection.send(health)
      connection.close()
      return status === 200
    },
  })
  return { ...child, issuer, took: performance.now() - began }
}

async function startUp(): Promise<void> {
  const first = await start('opaque')
  await first.stop()
  const times: number[] = []
  for (let i = 0; i < Number(values.starts); i++) {
    const server = await start('opaque')
    times.push(server.took)
    await server.stop()
  }
  console.log(
    `spawn to first healthy answer: median ${median(times).toFixed(1)} ms of ${times.length}, best ${Math.min(...times).toFixed(1)}, worst ${Math.max(...times).toFixed(1)} (target 30); first start, which makes the keys: ${first.took.toFixed(0)} ms`,
  )
}

async function memoryOf(variant: Variant, workload: string): Promise<void> {
  const server = await start(variant)
  try {
    await Bun.sleep(2000)
    const idle = resident(server.pid)
    const session = await openSession(describeSelf(server.issuer))
    const steps = await Promise.all(Array.from({ length: 16 }, () => workloads[workload]!(session)))
    let left = Number(values.tokens)
    await drive(steps, () => left-- > 0)
    const after = resident(server.pid)
    await Bun.sleep(5000)
    console.log(
      `${workload}: resident idle ${megabytes(idle)} (target 60), after ${values.tokens} token responses ${megabytes(after)} (target 150), five seconds later ${megabytes(resident(server.pid))}`,
    )
  } finally {
    await server.stop()
  }
}

try {
  await startUp()
  await memoryOf('opaque', 'client_credentials')
  await memoryOf('jwt_es256', 'client_credentials_es256')
  const each = JSON.parse(await runChild(driverCore, ['bun', 'fill.ts', values.million], import.meta.dir))
  console.log(
    `${values.million} sessions and as many opaque tokens in the memory store: ${Math.round(each.session)} bytes a session, ${Math.round(each.token)} a token, ${megabytes(each.resident)} in all`,
  )
} finally {
  rmSync(directory, { recursive: true })
}
process.exit(0) // the driver's connections are left open
