/** Free ports for tests. No other test has the port, and the kernel gives it to no outgoing connection. */
import { closeSync, mkdirSync, openSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Below the ephemeral range of Linux (from 32768), from which outgoing connections take their ports. */
const [lowest, highest] = [10_000, 32_000]

/** A folder with one file for each port that a test has taken. Each run has its own folder, so no file is from an earlier run. */
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

/** A port on which no process listens. It belongs to the caller until the end of the run. */
export function freePort(): number {
  mkdirSync(claims, { recursive: true })
  for (let tries = 0; tries < 1_000; tries++) {
    const port = lowest + Math.floor(Math.random() * (highest - lowest))
    if (listens(port, '127.0.0.1') && claimed(port)) return port
  }
  throw new Error('no free port between 10000 and 32000')
}
