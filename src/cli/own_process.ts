/** The name of this process among all that use a store, and whether another one has ended. */
import { createHash } from 'node:crypto'
import { readFileSync, readlinkSync } from 'node:fs'
import { hostname } from 'node:os'

/** What numbers of processes belong to: this boot of the machine and this container. Undefined where the system does not tell. */
function spaceOf(): string | undefined {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8')
    return createHash('sha256')
      .update(`${boot} ${readlinkSync('/proc/self/ns/pid')}`)
      .digest('hex')
      .slice(0, 12)
  } catch {
    return undefined
  }
}

const space = spaceOf()

export const machine =
  hostname()
    .replaceAll(/[^\w.-]/g, '-')
    .slice(0, 90) || 'latchkey'

export const ownId = `${process.pid}-${space ?? 'unknown'}`

/** Whether the process of this id, as `ownId` made it, has certainly ended. */
export function hasEnded(id: string): boolean {
  const [, pid, of] = /^(\d+)-(\w+)$/.exec(id) ?? []
  if (pid === undefined || space === undefined || of !== space) return false
  try {
    process.kill(Number(pid), 0)
    return false
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH'
  }
}
