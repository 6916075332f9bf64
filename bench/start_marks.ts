/** Part of the binary that `start.ts` builds: notes the processor time of the main thread whenever a module has been evaluated. clock_gettime(2) */
import { dlopen, ptr } from 'bun:ffi'
import { writeFileSync } from 'node:fs'

const used = process.threadCpuUsage()
const { symbols } = dlopen('libc.so.6', { clock_gettime: { args: ['i32', 'ptr'], returns: 'i32' } })
const threadCpuTime = 3
const time = new BigInt64Array(2)
const address = ptr(time)
const now = (): number => {
  symbols.clock_gettime(threadCpuTime, address)
  return Number(time[0]) * 1e3 + Number(time[1]) / 1e6
}

const marks: [name: string, ms: number][] = [
  ['the runtime, before our first line', (used.user + used.system) / 1e3],
  ['(this measurement)', now()],
]
Object.assign(globalThis, { evaluated: (name: string) => void marks.push([name, now()]) })
setTimeout(() => {
  writeFileSync(process.env.MARKS!, JSON.stringify(marks))
  process.exit(0)
}, Number(process.env.MARKS_AFTER))
