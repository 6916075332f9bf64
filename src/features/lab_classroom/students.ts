/** What each student of a classroom has done, from the records of their realms: the same on every instance. */
import { HttpError } from '../../auth/errors.ts'
import type { Context } from '../../contracts/context.ts'
import type { Lesson } from '../../flow/lessons/lesson.ts'
import { realClock } from '../../lib/clock.ts'
import { type Classroom, inRealTime } from '../../models/classroom.ts'
import { Seat } from '../../models/classroom_seat.ts'
import { type Progress, type Trouble, Worksheet, worksheetId } from '../../models/worksheet.ts'
import { realmStore } from '../../store/realm.ts'

/** `stuck`: a refusal that no step asks for, twice or for a minute. `quiet`: no request for five minutes. */
export type StudentState = 'done' | 'stuck' | 'quiet' | 'working'

export interface Student {
  seat: Seat
  progress: Progress | undefined
  trouble: Trouble | undefined
  state: StudentState
  /** Milliseconds of the last request; undefined before the first one. */
  lastAt: number | undefined
  stepsDone: number
  right: number
}

/** `came`: the number that was asked for. */
export const noStudent = (came: string | undefined) =>
  new HttpError('not_found', {
    expected: 'the number of a student of this classroom',
    came,
    problem: 'this student has no provider any more',
  })

const stuckAfter = 60_000
const stuckTimes = 2
const quietAfter = 300_000

interface Seen {
  isDone: boolean
  trouble: Trouble | undefined
  /** Milliseconds since the last sign of life. */
  silent: number
  now: number
}

function stateOf({ isDone, trouble, silent, now }: Seen): StudentState {
  if (isDone) return 'done'
  if (trouble && (trouble.times >= stuckTimes || now - trouble.since >= stuckAfter)) return 'stuck'
  return silent >= quietAfter ? 'quiet' : 'working'
}

/** Questions of the lesson that this student was asked: a value that a flow does not have is not asked for. */
export const questionsOf = ({ steps }: Lesson): Lesson['steps'] => steps.filter(({ question }) => question)

async function studentOf(context: Context, lesson: Lesson, seat: Seat): Promise<Student> {
  const memory = { ...inRealTime(context), store: realmStore(context.store, seat.realm_id) }
  const record = await Worksheet.find(memory, worksheetId)
  const now = realClock(context.clock).now()
  const progress = record?.lessons[lesson.id]
  const trouble = record?.trouble
  const stepsDone = lesson.steps.filter(({ id }) => progress?.done[id]).length
  return {
    seat,
    progress,
    trouble,
    state: stateOf({
      isDone: stepsDone === lesson.steps.length,
      trouble,
      silent: now - (record?.last_at ?? seat.joined_at * 1000),
      now,
    }),
    lastAt: record?.last_at,
    stepsDone,
    right: lesson.steps.filter(({ id }) => progress?.answers[id]?.right_at !== undefined).length,
  }
}

export async function studentsOf(context: Context, classroom: Classroom, lesson: Lesson): Promise<Student[]> {
  const seats = await Seat.list(context, classroom)
  return Promise.all(seats.map((seat) => studentOf(context, lesson, seat)))
}
