/** The commands of the lessons as a student types them: a shell runs each, and the lab sees each step done. docs/classrooms.md */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test'
import { valuesOf } from '../../src/features/lab_worksheet/page.ts'
import { begin } from '../../src/flow/lessons/progress.ts'
import type { Lesson, Part } from '../../src/flow/lessons/lesson.ts'
import { lessons } from '../../src/flow/lessons/lessons.ts'
import { Worksheet, worksheetId } from '../../src/models/worksheet.ts'
import { type ServedProvider, serveProvider } from '../browser/served.ts'
import { browser } from '../support/flow.ts'
import { alice, type Person } from '../support/person.ts'
import { until } from '../support/until.ts'

setDefaultTimeout(120_000)

let op: ServedProvider
beforeAll(async () => {
  op = await serveProvider({ LAB: 'true' })
})
afterAll(() => op.stop())

/** The rest of these is done in the playground, with keys of its clients. */
const untilStep: Readonly<Record<string, string>> = { 'par-and-jar': 'signed', 'dpop-and-step-up': 'bound' }

/** A shell that gets one command after the other. `run` resolves to what was written. */
function openShell() {
  const child = Bun.spawn(['bash'], { stdin: 'pipe', stdout: 'pipe', stderr: 'pipe' })
  let text = ''
  void (async () => {
    for await (const chunk of child.stdout) text += Buffer.from(chunk).toString()
  })()
  let count = 0
  return {
    async run(lines: string): Promise<string> {
      const mark = `end-of-${++count}`
      const from = text.length
      await child.stdin.write(`${lines}\necho; echo ${mark}\n`)
      await child.stdin.flush()
      await until(() => text.includes(`\n${mark}\n`), lines)
      return text.slice(from)
    },
    close: () => child.kill(),
  }
}

interface Student {
  shell: ReturnType<typeof openShell>
  who: Person
  /** Where the browser ended. */
  ended: string
}

/** What the student reads in an answer and types: `read` is given it as the next line. */
const typed = (command: string, lines: string): string =>
  command.replace(/^(.*; read -r \w+)$/m, (line) => `${line}\n${lines}`)

async function inBrowser(student: Student, address: string, step: string): Promise<void> {
  const { who } = student
  let landing = await who.open(address)
  for (let pages = 0; landing.page && pages < 4; pages++) {
    const { page } = landing
    const buttons = page.forms.flatMap((form) => form.buttons)
    if (buttons.includes('login')) landing = await who.press(page, 'login', alice)
    else if (buttons.includes('allow')) landing = await who.press(page, step === 'deny' ? 'deny' : 'allow')
    else break
  }
  if (landing.location) student.ended = landing.location.href
}

async function doPart(student: Student, step: string, part: Part): Promise<void> {
  if ('open' in part && !part.open.endsWith('/device')) return inBrowser(student, part.open, step)
  if (!('command' in part)) return
  const output = await student.shell.run(typed(part.command, student.ended))
  const address = /http\S+\/authorize\?\S+/.exec(output)?.[0]
  if (address !== undefined) await inBrowser(student, address, step)
  const reference = /"request_uri": ?"([^"]+)"/.exec(output)?.[1]
  if (reference !== undefined) student.ended = reference
  const userCode = /"user_code": ?"([^"]+)"/.exec(output)?.[1]
  if (userCode !== undefined) student.ended = userCode
}

/** The End-User at the page of a device, with the code that it showed. */
async function approve({ who, ended }: Student): Promise<void> {
  const signIn = await who.open(`${op.issuer}/device`)
  const typing = await who.press(signIn.page!, 'login', alice)
  const confirm = await who.press(typing.page!, 'continue', { user_code: ended })
  await who.press(confirm.page!, 'allow')
}

/** Steps of one lesson by hand, where the words of the step say it and no command does. */
async function more(student: Student, lesson: Lesson, step: string, last: string): Promise<void> {
  if (lesson.id === 'device' && step === 'approve') await approve(student)
  if (lesson.id === 'device' && step === 'pending') op.clock.advance(6_000)
  if (step === 'replay') await student.shell.run(last)
  if (lesson.id === 'par-and-jar' && step === 'again') await student.who.open(last)
}

const commandsOf = (lesson: Lesson, id: string): string =>
  lesson.steps
    .find((step) => step.id === id)!
    .todo(valuesOf(op.context))
    .flatMap((part) => ('command' in part ? [part.command] : []))
    .join('\n')

for (const lesson of lessons.filter(({ id }) => id !== 'dpop-and-step-up'))
  test(`${lesson.id}: its commands do what its steps say`, async () => {
    await begin(op.context, lesson)
    const student: Student = { shell: openShell(), who: browser(op), ended: '' }
    const end = lesson.steps.findIndex(({ id }) => id === untilStep[lesson.id])
    const steps = end < 0 ? lesson.steps : lesson.steps.slice(0, end)
    let reference = ''
    for (const step of steps) {
      const before = student.ended
      for (const part of step.todo(valuesOf(op.context))) await doPart(student, step.id, part)
      if (step.id === 'use') reference = `${op.issuer}/authorize?client_id=client123&request_uri=${before}`
      await more(student, lesson, step.id, step.id === 'replay' ? commandsOf(lesson, 'tokens') : reference)
    }
    student.shell.close()
    const done = async () =>
      Object.keys((await Worksheet.find(op.context, worksheetId))!.lessons[lesson.id]!.done)
    await until(async () => (await done()).length >= steps.length, 'the steps', 3_000).catch(() => {})
    expect(await done()).toEqual(steps.map(({ id }) => id))
  })
