/** What the teacher does: opens the lab of a student, removes a student, ends the classroom. */
import type { Params } from '../../auth/params.ts'
import type { Call } from '../../contracts/call.ts'
import type { Context } from '../../contracts/context.ts'
import type { Reply } from '../../contracts/reply.ts'
import { defineView } from '../../html/view.ts'
import { query } from '../../http/call.ts'
import { redirectWithin } from '../../http/reply.ts'
import { Classroom } from '../../models/classroom.ts'
import { Seat } from '../../models/classroom_seat.ts'
import { classroomPage } from './frame.ts'
import { realmsOf, wayInto, worksheetAt } from './realms.ts'
import { teacherCookie } from './cookies.ts'
import { noStudent } from './students.ts'
import { boardAt, requireTeacher } from './teacher.ts'

const ended = defineView(
  'classroom_ended',
  '<p>The providers of all students are closed. What they kept is removed within minutes.</p>\n<p>The server goes on. If you started it with <code>latchkey classroom</code>, end it with Ctrl-C in its terminal.</p>',
  [],
)

const seatOf = async (context: Context, classroom: Classroom, text: string | undefined): Promise<Seat> => {
  const seat = /^\d{1,6}$/.test(text ?? '') ? await Seat.find(context, classroom, Number(text)) : undefined
  if (!seat) throw noStudent(text)
  return seat
}

/** Gives this browser the pass to the lab of one student, and leads there. */
export async function open(call: Call, context: Context): Promise<Reply> {
  const { room, student, flow, flows, error } = query(call, context)
  const classroom = await requireTeacher(call, context, room)
  const { realm } = await seatOf(context, classroom, student)
  const way = await wayInto(context, classroom, realm)
  if (!way) throw noStudent(student)
  const at = (path: string, id: string) => `${way.basePath}/lab/${path}?${new URLSearchParams({ id })}`
  if (error) return redirectWithin(at('error', error), way.cookies)
  if (flow) return redirectWithin(at('flow', flow), way.cookies)
  return redirectWithin(
    flows ? `${way.basePath}/lab/flows` : worksheetAt(way.basePath, classroom),
    way.cookies,
  )
}

async function removeSeat(context: Context, classroom: Classroom, number: number): Promise<void> {
  const seat = await Seat.remove(context, classroom, number)
  if (seat) await realmsOf(context).remove(seat.realm)
}

async function end(context: Context, classroom: Classroom): Promise<Reply> {
  // First, so that no student joins any more. Should the rest fail, the realms end by themselves.
  await Classroom.end(context, classroom.id)
  const seats = await Seat.list(context, classroom)
  for (const { number } of seats) await Seat.remove(context, classroom, number)
  await Seat.forget(context, classroom)
  // Also those of students who join right now.
  const realms = realmsOf(context)
  const own = (await realms.list()).filter((realm) => realm.classroom === classroom.id)
  for (const { name } of own) await realms.remove(name)
  context.log.info('classroom_ended', { classroom: classroom.id, students: seats.length })
  const page = classroomPage({ title: 'The classroom has ended', main: ended({}) })
  return { ...page, cookies: [teacherCookie(context, classroom, '')] }
}

export async function submit(call: Call, context: Context, fields: Params): Promise<Reply> {
  const classroom = await requireTeacher(call, context, fields.room)
  if (fields.end !== undefined) return end(context, classroom)
  const { number } = await seatOf(context, classroom, fields.student)
  await removeSeat(context, classroom, number)
  return redirectWithin(boardAt(context, classroom))
}
