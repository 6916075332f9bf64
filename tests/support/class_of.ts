/** A class in a real process: `latchkey classroom`, students who join and work by HTTP, and the teacher's board at the end. */
import { readFileSync } from 'node:fs'
import { parse } from 'csv-parse/sync'
import { join } from './classroom.ts'
import { type At, authorize, browser, demo, redeem } from './flow.ts'
import { spawnProvider } from './provider.ts'
import { acts } from './student.ts'
import { until } from './until.ts'
import { latchkeyCommand } from './latchkey_command.ts'

export interface ClassFigures {
  students: number
  /** Milliseconds of all together, with the simulated students on the same machine. */
  joining: number
  lesson: number
  /** Of one request at the end. */
  board: number
  csv: number
  /** Bytes that the process holds: without students, after all have joined, after the lesson. */
  memory: { empty: number; joined: number; done: number }
  /** Milliseconds of processor time of the process, for all. */
  processor: number
}

export interface ClassEnd {
  figures: ClassFigures
  /** Rows of the CSV by the name of their column. */
  rows: Record<string, string>[]
  board: string
  /** After the teacher has ended it: the statuses of the lab and the metadata of a student. */
  afterwards: number[]
}

const residentBytes = (pid: number): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) * 1024

/** Clock ticks are a hundredth of a second. */
const processorMs = (pid: number): number => {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ')
  return (Number(fields[11]) + Number(fields[12])) * 10
}

async function timed<T>(work: () => Promise<T>): Promise<[T, number]> {
  const began = performance.now()
  return [await work(), Math.round(performance.now() - began)]
}

/** Every fourth student is stuck at the token endpoint. */
export const isStuck = (number: number): boolean => number % 4 === 3

async function work(at: At, number: number): Promise<void> {
  if (!isStuck(number)) return acts['code-flow']!(at, Bun.sleep)
  const authorized = await authorize(at, browser(at))
  for (const _ of [1, 2]) await redeem(at, demo, authorized, { code_verifier: 'x'.repeat(43) })
}

export async function runClass(students: number, env: Record<string, string> = {}): Promise<ClassEnd> {
  const options = [
    '--students',
    `${students}`,
    '--hours',
    '1',
    '--lesson',
    'code-flow',
    '--host',
    'localhost',
  ]
  const own = { LAB_JOINS_PER_MINUTE: '1000', ...env }
  const server = await spawnProvider(own, [...latchkeyCommand, 'classroom', ...options, '--json'])
  try {
    return await inClass(server, students)
  } finally {
    await server.stop()
  }
}

async function inClass(
  server: Awaited<ReturnType<typeof spawnProvider>>,
  students: number,
): Promise<ClassEnd> {
  const { issuer, pid } = server
  const op: At = {
    issuer,
    fetch: (path, init) => fetch(new URL(path, `${issuer}/`), { redirect: 'manual', ...init }),
  }
  await until(() => /"board": "/.test(server.output()), 'the links')
  const linkOf = (name: string) => new RegExp(`"${name}": "([^"]+)"`).exec(server.output())![1]!
  const code = new URL(linkOf('join')).searchParams.get('code')!.replaceAll('-', '')
  const empty = residentBytes(pid)
  const [joined, joining] = await timed(() =>
    Promise.all(Array.from({ length: students }, (_, n) => join(op, code, `Student ${n}`))),
  )
  const out = joined.find(({ at }) => at.issuer === '')
  if (out)
    throw new Error(
      `not joined: ${out.landing.page!.url} ${out.landing.page!.status} ${out.landing.page!.html}\n${server.output()}`,
    )
  const afterJoining = residentBytes(pid)
  const [, lesson] = await timed(() => Promise.all(joined.map(({ at }, n) => work(at, n))))
  const teacher = browser(op)
  await teacher.open(linkOf('board'))
  const room = linkOf('board').replace(/^.*key=([A-Z2-7]+).*$/, '$1')
  const cookie = [...teacher.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
  const csv = async () =>
    parse(await (await op.fetch(`/classroom/results.csv?room=${room}`, { headers: { cookie } })).text(), {
      columns: true,
    }) as Record<string, string>[]
  const settled = (row: Record<string, string>) => row.state === 'done' || row.error_times === '2'
  await until(async () => (await csv()).every(settled), 'what all students did')
  const [rows, csvMs] = await timed(csv)
  const [board, boardMs] = await timed(
    async () => (await teacher.open(`${issuer}/classroom/board?room=${room}`)).page!,
  )
  const done = residentBytes(pid)
  const processor = processorMs(pid)
  const ask = (await teacher.open(`${issuer}/classroom/board?room=${room}&ask=end`)).page!
  await teacher.press(ask, 'end')
  const [first] = joined
  const afterwards = await Promise.all(
    ['/lab/worksheet', '/.well-known/openid-configuration'].map(
      async (path) => (await fetch(`${first!.at.issuer}${path}`)).status,
    ),
  )
  const memory = { empty, joined: afterJoining, done }
  return {
    figures: { students, joining, lesson, board: boardMs, csv: csvMs, memory, processor },
    rows,
    board: board.html,
    afterwards,
  }
}
