/** Ports for tests: none that another test holds, and none that the kernel hands to a connection meanwhile. */
import { closeSync, mkdirSync, openSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Below the ephemeral range of Linux (32768), which every outgoing connection takes its port from. */
const [lowest, highest] = [10_000, 32_000]

/** One file a port, made by whoever takes it; the run's own folder, so that nothing is left of an earlier run. */
const claims = process.env.TEST_PORTS ?? join(tmpdir(), `latchkey-ports-${process.pid}`)

const claimed = (port: number): boolean => {
  try {
    closeSync(openSync(join(claims, `${port}`), 'wx'))
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

const listens = (port: number, host: string): boolean => {
  try {
    Bun.listen({ hostname: host, port, socket: { data() {} } }).stop(true)
    return true
  } catch {
    return false
  }
}

/** A port that nobody listens on, the caller's alone until the end of the run. */
export function freePort(): number {
  mkdirSync(claims, { recursive: true })
  for (let tries = 0; tries < 1_000; tries++) {
    const port = lowest + Math.floor(Math.random() * (highest - lowest))
    if (listens(port, '127.0.0.1') && claimed(port)) return port
  }
  throw new Error('no free port between 10000 and 32000')
}
