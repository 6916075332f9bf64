/** `latchkey classroom`: makes a classroom, and starts the server for it where the store is in memory. docs/classrooms.md */
import { networkInterfaces } from 'node:os'
import { isIP } from 'node:net'
import { joinLink, shownCode, teacherLink } from '../flow/classroom_links.ts'
import { findLesson, lessons } from '../flow/lessons/lessons.ts'
import type { Lesson } from '../flow/lessons/lesson.ts'
import type { Config } from '../config.ts'
import { type Env, given as valueOf } from '../config/read.ts'
import { systemRandom } from '../lib/random.ts'
import { Classroom, type MadeClassroom, type NewClassroom } from '../models/classroom.ts'
import { type Answer, defineCommand, type Values } from './command.ts'
import { readEnvironment } from './environment.ts'
import { UsageError } from './failure.ts'
import { open, readConfigWithoutSecrets, readSettings } from './open.ts'
import { moment, print, printable } from './output.ts'
import { startServer } from './start_server.ts'

const usual = { students: '30', hours: '3', lesson: 'code-flow' }
/** As many realms as a server has in memory. */
const mostStudents = 1_000
const mostHours = 168

const options = {
  students: { type: 'string', value: 'NUMBER', help: `Seats. Default: ${usual.students}` },
  hours: { type: 'string', value: 'HOURS', help: `Until its end. Default: ${usual.hours}` },
  lesson: { type: 'string', value: 'ID', help: `Default: ${usual.lesson}` },
  host: {
    type: 'string',
    value: 'HOST',
    help: 'Where students reach this machine. Default: its first address in a network',
  },
  port: { type: 'string', value: 'PORT', help: 'Where it listens. Default: that of PORT' },
} as const

type Given = Values<typeof options>

function readNumber(option: string, text: string, { least, most }: { least: number; most: number }): number {
  const value = /^\d{1,4}(?:\.\d{1,2})?$/.test(text) ? Number(text) : NaN
  if (value >= least && value <= most) return value
  throw new UsageError(`--${option}: expected a number from ${least} to ${most}, got ${printable(text)}`)
}

function readLesson(id: string): Lesson {
  const lesson = findLesson(id)
  if (lesson) return lesson
  throw new UsageError(
    `--lesson: expected one of ${lessons.map((each) => each.id).join(', ')}, got ${printable(id)}`,
  )
}

function wishOf({
  students = usual.students,
  hours = usual.hours,
  lesson = usual.lesson,
}: Given): NewClassroom {
  const count = readNumber('students', students, { least: 1, most: mostStudents })
  if (!Number.isInteger(count)) throw new UsageError('--students: expected a whole number')
  return {
    students: count,
    hours: readNumber('hours', hours, { least: 0.1, most: mostHours }),
    lesson: readLesson(lesson).id,
  }
}

/** The first address of this machine that others in its network reach. */
const networkAddress = (): string | undefined =>
  Object.values(networkInterfaces())
    .flatMap((each) => each ?? [])
    .find(({ internal, family }) => !internal && family === 'IPv4')?.address

/** The address by which students reach this machine, as settings. A name may stand for any of its addresses. */
function addressOf({ host, port }: Given, env: Env): Record<string, string> {
  const name = host ?? networkAddress() ?? 'localhost'
  const own = port ?? valueOf(env, 'PORT') ?? '5000'
  return {
    HOST: isIP(name) === 0 && name !== 'localhost' ? '0.0.0.0' : name,
    PORT: own,
    ISSUER_URL: `http://${isIP(name) === 6 ? `[${name}]` : name}:${own}`,
  }
}

/** The settings of a server for a class, where the operator has none. An option beside the variable that it stands for is a mistake. */
function prepareServer(given: Given): void {
  const { env } = readEnvironment()
  const has = (name: string) => valueOf(env, name) !== undefined
  const { host, port } = given
  if (host !== undefined && has('ISSUER_URL')) throw new UsageError('--host and ISSUER_URL: give one of them')
  if (port !== undefined && has('PORT')) throw new UsageError('--port and PORT: give one of them')
  if (port !== undefined && !(Number(port) >= 1 && Number(port) <= 65_535))
    throw new UsageError(`--port: expected a number from 1 to 65535, got ${printable(port)}`)
  const settings: Record<string, string> = {
    LAB: 'true',
    REALMS: 'true',
    ADMINISTRATION: 'false', // its start would print a link for a first owner, which a class must not see
    SIGN_IN_QUEUE: `${mostStudents}`,
    ...(has('ISSUER_URL') ? port !== undefined && { PORT: port } : addressOf(given, env)),
  }
  for (const [name, value] of Object.entries(settings)) if (!has(name)) process.env[name] = value
}

function requireRealms({ lab, realms }: Config): void {
  if (!lab || !realms)
    throw new UsageError('a classroom needs LAB=true and REALMS=true, for this command and for the servers')
}

function answerOf(config: Config, { classroom, teacherKey }: MadeClassroom, isServer: boolean): Answer {
  const facts = {
    lesson: classroom.lesson,
    students: classroom.students,
    ends_at: moment(classroom.exp),
    code: shownCode(classroom),
    join: joinLink(config, classroom),
    board: teacherLink(config, teacherKey),
  }
  return {
    facts,
    show() {
      print(`${readLesson(classroom.lesson).title}, ${facts.students} students, until ${facts.ends_at}

  Students join at  ${facts.join}
  Board             ${facts.board}

The link of the board is a secret: open it in the browser of the teacher.${isServer ? '\nThe classroom ends with this program (Ctrl-C).' : ''}`)
    },
  }
}

/** The server goes on after the answer, and ends with the classroom. */
async function startWith(wish: NewClassroom): Promise<Answer> {
  const made = Promise.withResolvers<Answer>()
  await startServer(async (context) => {
    requireRealms(context.config)
    const classroom = await Classroom.create(context, systemRandom, wish)
    setTimeout(() => process.kill(process.pid, 'SIGTERM'), wish.hours * 3_600_000)
    made.resolve(answerOf(context.config, classroom, true))
  })
  return made.promise
}

/** For the servers that use the store. */
async function makeFor(wish: NewClassroom): Promise<Answer> {
  const { config } = await readSettings()
  requireRealms(config)
  const opened = await open(config)
  try {
    return answerOf(config, await Classroom.create(opened, systemRandom, wish), false)
  } finally {
    await opened.store.close()
  }
}

export const classroom = defineCommand({
  takes: [],
  options,
  async run(given) {
    const wish = wishOf(given)
    // A store in memory is of this process alone.
    if (readConfigWithoutSecrets().store.kind !== 'memory') {
      if (given.host !== undefined || given.port !== undefined)
        throw new UsageError('--host and --port: with STORE_URL the servers that use the store listen')
      return makeFor(wish)
    }
    prepareServer(given)
    return startWith(wish)
  },
})
