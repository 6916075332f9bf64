/** /classroom/board: who has done which step, and who needs help. It stays up to date by server-sent events; without JavaScript a reload does that. */
import { HttpError } from '../../auth/errors.ts'
import type { Call } from '../../contracts/call.ts'
import type { Context } from '../../contracts/context.ts'
import type { Reply } from '../../contracts/reply.ts'
import { labForms } from '../../flow/lab_form.ts'
import type { Lesson } from '../../flow/lessons/lesson.ts'
import { findLesson } from '../../flow/lessons/lessons.ts'
import { adminScriptPath } from '../../html/assets.ts'
import { defineView } from '../../html/view.ts'
import { query } from '../../http/call.ts'
import { eventStream } from '../../http/event_stream.ts'
import type { Classroom } from '../../models/classroom.ts'
import { boardView } from './board_view.ts'
import { askPage } from './ask_page.ts'
import { classroomPage } from './frame.ts'
import { boardLivePath, boardPurpose } from './paths.ts'
import { studentsOf } from './students.ts'
import { enter, requireTeacher } from './teacher.ts'

const stream = defineView('classroom_stream', '{{board}}<div data-stream="{{live}}"></div>', [
  'board',
  'live',
])

/** The lesson of a classroom; a later release may have dropped it. */
export function lessonOf({ lesson: id }: Classroom): Lesson {
  const lesson = findLesson(id)
  if (lesson) return lesson
  throw new HttpError('conflict', { expected: 'a lesson of this release', came: id })
}

export async function show(call: Call, context: Context): Promise<Reply> {
  const { key, room, ask, student } = query(call, context)
  if (key !== undefined) return enter(call, context, key)
  const classroom = await requireTeacher(call, context, room)
  const lesson = lessonOf(classroom)
  const { csrf_token: csrf, cookies } = labForms(call, context, boardPurpose)
  const students = await studentsOf(context, classroom, lesson)
  const shared = { context, classroom, csrf }
  const page =
    ask === undefined
      ? classroomPage({
          title: lesson.title,
          broad: true,
          scripts: [adminScriptPath],
          main: stream({
            board: boardView({ ...shared, lesson, students }),
            live: `${context.basePath}${boardLivePath}?${new URLSearchParams({ room: classroom.id })}`,
          }),
        })
      : askPage({ ...shared, students }, ask, student)
  return { ...page, cookies }
}

export async function live(call: Call, context: Context): Promise<Reply> {
  const { room } = query(call, context)
  const { id } = await requireTeacher(call, context, room)
  return eventStream(call, context, {
    lane: `classroom ${id}`,
    async look() {
      const classroom = await requireTeacher(call, context, id)
      const students = await studentsOf(context, classroom, lessonOf(classroom))
      return JSON.stringify(students.map(({ lastAt: _, ...each }) => each))
    },
  })
}
