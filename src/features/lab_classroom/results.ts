/** The results of a classroom as CSV: a line for each student. A spreadsheet runs none of it. */
import type { Call } from '../../contracts/call.ts'
import type { Context } from '../../contracts/context.ts'
import type { Reply } from '../../contracts/reply.ts'
import type { Lesson } from '../../flow/lessons/lesson.ts'
import { query } from '../../http/call.ts'
import { csvLine } from '../../lib/csv.ts'
import { lessonOf } from './board.ts'
import { questionsOf, type Student, studentsOf } from './students.ts'
import { requireTeacher } from './teacher.ts'

const timeOf = (ms: number | undefined): string => (ms === undefined ? '' : new Date(ms).toISOString())

const headOf = (lesson: Lesson): string[] => [
  ...['number', 'name', 'joined_at', 'state', 'steps_done', 'steps', 'answers_right', 'questions'],
  ...lesson.steps.map(({ id }) => `${id}_done_at`),
  ...questionsOf(lesson).flatMap(({ id }) => [`${id}_right_at`, `${id}_tries`]),
  ...['last_request_at', 'error', 'error_times', 'error_problem'],
]

const lineOf = (lesson: Lesson, { seat, progress, trouble, ...student }: Student): string[] => [
  ...[`${seat.number}`, seat.name, timeOf(seat.joined_at * 1000), student.state],
  ...[`${student.stepsDone}`, `${lesson.steps.length}`, `${student.right}`, `${questionsOf(lesson).length}`],
  ...lesson.steps.map(({ id }) => timeOf(progress?.done[id]?.at)),
  ...questionsOf(lesson).flatMap(({ id }) => [
    timeOf(progress?.answers[id]?.right_at),
    `${progress?.answers[id]?.tries ?? 0}`,
  ]),
  ...[timeOf(student.lastAt), trouble?.code ?? '', `${trouble?.times ?? 0}`, trouble?.problem ?? ''],
]

export async function send(call: Call, context: Context): Promise<Reply> {
  const { room } = query(call, context)
  const classroom = await requireTeacher(call, context, room)
  const lesson = lessonOf(classroom)
  const students = await studentsOf(context, classroom, lesson)
  const lines = [headOf(lesson), ...students.map((student) => lineOf(lesson, student))]
  return {
    status: 200,
    body: `${lines.map(csvLine).join('\r\n')}\r\n`,
    headers: {
      'content-type': 'text/csv; charset=utf-8',
      'content-disposition': `attachment; filename="classroom_${classroom.id.toLowerCase()}_${lesson.id}.csv"`,
      'cache-control': 'no-store',
    },
  }
}
