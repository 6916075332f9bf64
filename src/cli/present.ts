/** A server says that it uses its store, and ends when a mark says that it must not. docs/decisions/0086-moves.md */
import { createPresence } from '../models/presence.ts'
import { requireNone } from './folders.ts'
import type { OpenedPlain } from './open.ts'
import { machine, ownId } from './own_process.ts'

const everyMs = 5_000

export interface Present {
  /** The port is ours: a server that had it before has ended. Then on looks for a mark, and calls `stop` once. */
  watch(stop: (problem: string) => void): Promise<void>
  leave(): Promise<void>
}

/** Undefined for a store of this process alone. Throws SettingFault where a mark is there. */
export async function arrive({ config, log, ...opened }: OpenedPlain): Promise<Present | undefined> {
  if (config.store.kind === 'memory') return undefined
  const presence = createPresence(opened, `${machine}:${config.port || process.pid}`, ownId)
  requireNone('STORE_URL', await presence.sign())
  let timer: Timer | undefined
  let isSigning = false
  return {
    async watch(stop) {
      timer = setInterval(() => {
        if (isSigning) return
        isSigning = true
        presence
          .sign()
          .then((problem) => {
            if (problem === undefined || timer === undefined) return
            clearInterval(timer)
            timer = undefined
            stop(problem)
          })
          .catch((error: Error) => log.error('job_failed', { job: 'presence', problem: error.message }))
          .finally(() => (isSigning = false))
      }, everyMs)
      await presence.succeed()
    },
    async leave() {
      clearInterval(timer)
      timer = undefined
      // A store that does not answer must not keep the process.
      await presence.leave('server').catch((error: Error) => log.warn('not_left', { problem: error.message }))
    },
  }
}
