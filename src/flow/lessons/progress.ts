/** Computes from a recorded request what is done of the lessons that were begun, and where the student is stuck. */
import type { Context } from '../../contracts/context.ts'
import type { RecordedRequest } from '../../contracts/sockets.ts'
import { realClock } from '../../lib/clock.ts'
import { normalize } from '../../lib/normalize.ts'
import { outcomeOfExchange } from '../../models/recording/flow_kinds.ts'
import type { Exchange, Flow } from '../../models/recording/recorded.ts'
import {
  type Progress,
  type Trouble,
  Worksheet,
  worksheetId,
  type WorksheetRecord,
} from '../../models/worksheet.ts'
import { failedChecks } from './evidence.ts'
import type { Lesson } from './lesson.ts'
import { findLesson } from './lessons.ts'

/** Requests that wait to be looked at. A lab that is flooded loses the oldest. */
const mostWaiting = 200
/** Milliseconds after which a further request is a sign of life that is written. */
const signOfLife = 10_000
const longestText = 300

export interface Listener {
  heard(request: RecordedRequest): void
}

/** One for each provider: looks at requests one after the other, apart from their answers. */
export function createListener(context: Context): Listener {
  let waiting: RecordedRequest[] = []
  let runs = false
  async function run(): Promise<void> {
    runs = true
    while (waiting.length > 0) {
      const taken = waiting
      waiting = []
      await look(context, taken).catch((fault: Error) =>
        context.log.warn('lesson_not_kept', { problem: fault.message }),
      )
    }
    runs = false
  }
  return {
    heard(request) {
      if (waiting.length >= mostWaiting) waiting.shift()
      waiting.push(request)
      if (!runs) void run()
    },
  }
}

interface Seen {
  flow: Flow
  exchange: Exchange
  all: () => readonly Flow[]
}

async function look(context: Context, requests: readonly RecordedRequest[]): Promise<void> {
  const loaded = await Worksheet.load(context, worksheetId)
  if (!loaded) return
  const seen = requests.flatMap(({ flow: id, request }): Seen[] => {
    const flow = context.recorder?.flows.find(id)
    const exchange = flow?.exchanges.findLast((each) => each.id === request)
    return flow && exchange ? [{ flow, exchange, all: () => context.recorder?.flows.list() ?? [] }] : []
  })
  const now = realClock(context.clock).now()
  await Worksheet.update(
    context,
    worksheetId,
    (record) => {
      const next = seen.reduce((before, each) => after(before, each, now), record)
      return next === record ? undefined : next
    },
    loaded,
  )
}

/** The record after one request; the same object where nothing changed. */
export function after(record: WorksheetRecord, seen: Seen, now: number): WorksheetRecord {
  let isExpected = false
  let isNew = false
  const lessons = Object.fromEntries(
    Object.entries(record.lessons).map(([id, progress]) => {
      const next = withSteps(findLesson(id), progress, seen, now)
      isExpected ||= next.isExpected
      isNew ||= next.progress !== progress
      return [id, next.progress]
    }),
  )
  const trouble = troubleAfter(record.trouble, seen, isExpected, now)
  const isAlive = now - (record.last_at ?? 0) >= signOfLife
  if (!isNew && trouble === record.trouble && !isAlive) return record
  return { lessons: isNew ? lessons : record.lessons, last_at: now, ...(trouble && { trouble }) }
}

function withSteps(
  lesson: Lesson | undefined,
  progress: Progress,
  { flow, exchange, all }: Seen,
  now: number,
) {
  const fits = lesson?.steps.filter((step) => step.done(exchange, flow, all)) ?? []
  const fresh = fits.filter(({ id }) => !Object.hasOwn(progress.done, id))
  if (fresh.length === 0) return { progress, isExpected: fits.length > 0 }
  const done = fresh.map((step) => {
    const answer = step.question?.answer(exchange, flow)?.slice(0, longestText)
    return [
      step.id,
      { at: now, flow: flow.id, request: exchange.id, ...(answer !== undefined && { answer }) },
    ]
  })
  return {
    progress: { ...progress, done: { ...progress.done, ...Object.fromEntries(done) } },
    isExpected: true,
  }
}

/** A refusal that no step asks for is trouble, until a request at that endpoint succeeds or a step is done. */
function troubleAfter(
  before: Trouble | undefined,
  { flow, exchange }: Seen,
  isExpected: boolean,
  now: number,
): Trouble | undefined {
  if (isExpected) return undefined
  const outcome = outcomeOfExchange(exchange)
  if (outcome === 'succeeded') return before?.endpoint === exchange.endpoint ? undefined : before
  if (outcome === 'open') return before
  const check = failedChecks(exchange).at(-1)
  return {
    since: before?.since ?? now,
    at: now,
    times: (before?.times ?? 0) + 1,
    endpoint: exchange.endpoint,
    code: (check?.code ?? `${exchange.answer.status}`).slice(0, longestText),
    problem: (check ? (check.problem ?? check.expected) : '').slice(0, longestText),
    flow: flow.id,
    request: exchange.id,
  }
}

/** Begins a lesson, with a record that others may have made. */
export async function begin(context: Context, lesson: Lesson): Promise<void> {
  const progress: Progress = { begun_at: realClock(context.clock).now(), done: {}, answers: {} }
  if (await Worksheet.create(context, worksheetId, { lessons: { [lesson.id]: progress } })) return
  await Worksheet.update(context, worksheetId, (record) =>
    Object.hasOwn(record.lessons, lesson.id)
      ? undefined
      : { ...record, lessons: { ...record.lessons, [lesson.id]: progress } },
  )
}

/** Spaces, case and quotes around do not count. */
const plain = (text: string): string =>
  normalize(text, 'NFC')
    .trim()
    .replace(/^["'](.*)["']$/s, '$1')
    .toLowerCase()

/** Whether the answer of a step is right. Undefined where the step is not done, or has no question. */
export async function answer(
  context: Context,
  { lesson, step, given }: { lesson: string; step: string; given: string },
): Promise<boolean | undefined> {
  let isRight: boolean | undefined
  await Worksheet.update(context, worksheetId, (record) => {
    const progress = record.lessons[lesson]
    const wanted = progress?.done[step]?.answer
    isRight = wanted === undefined ? undefined : plain(given) === plain(wanted)
    if (!progress || isRight === undefined) return undefined
    const before = progress.answers[step] ?? { tries: 0 }
    if (before.right_at !== undefined) return undefined
    const now = { tries: before.tries + 1, ...(isRight && { right_at: realClock(context.clock).now() }) }
    return {
      ...record,
      lessons: {
        ...record.lessons,
        [lesson]: { ...progress, answers: { ...progress.answers, [step]: now } },
      },
    }
  })
  return isRight
}
