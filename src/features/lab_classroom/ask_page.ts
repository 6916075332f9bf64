/** The question before a classroom ends or a student is removed, and the link for another browser of a student. */
import { HttpError } from '../../auth/errors.ts'
import type { Context } from '../../contracts/context.ts'
import type { Reply } from '../../contracts/reply.ts'
import { labForm } from '../../flow/lab_form.ts'
import { joinLink } from '../../flow/classroom_links.ts'
import { defineView, type Html } from '../../html/view.ts'
import { written } from '../../lib/unsafe_text.ts'
import type { Classroom } from '../../models/classroom.ts'
import { seatKey } from './cookies.ts'
import { classroomPage } from './frame.ts'
import { boardPath, resultsPath } from './paths.ts'
import { noStudent, type Student } from './students.ts'
import { boardAt } from './teacher.ts'

const ending = defineView(
  'classroom_ending',
  '<p>All providers of its {{students}} students, and all results, are removed. <a href="{{results}}">Download the results</a> before.</p>{{form}}<p><a href="{{back}}">Back to the board</a></p>',
  ['students', 'results', 'form', 'back'],
)
const removing = defineView(
  'classroom_removing',
  '<p>The provider and the results of <bdi class="strong">{{name}}</bdi> are removed, and the seat is free.</p>{{form}}<p><a href="{{back}}">Back to the board</a></p>',
  ['name', 'form', 'back'],
)

const linking = defineView(
  'classroom_linking',
  '<p>In another browser, this link leads to the provider of <bdi class="strong">{{name}}</bdi>. It is a secret of that student.</p><p class="lesson_address"><code dir="ltr">{{link}}</code></p><p><a href="{{back}}">Back to the board</a></p>',
  ['name', 'link', 'back'],
)

interface Asked {
  context: Context
  classroom: Classroom
  csrf: string
  students: readonly Student[]
}

const formOf = (
  { context, classroom, csrf }: Asked,
  { name, text }: { name: string; text: string },
  more: Record<string, string> = {},
): Html =>
  labForm({
    action: `${context.basePath}${boardPath}`,
    hidden: { csrf_token: csrf, room: classroom.id, ...more },
    buttons: [{ name, value: name, text, kind: 'danger' }],
  })

const backOf = ({ context, classroom }: Asked): string => boardAt(context, classroom)

const endPage = (asked: Asked): Reply =>
  classroomPage({
    title: 'End the classroom?',
    main: ending({
      students: `${asked.students.length}`,
      results: `${asked.context.basePath}${resultsPath}?${new URLSearchParams({ room: asked.classroom.id })}`,
      back: backOf(asked),
      form: formOf(asked, { name: 'end', text: 'End it now' }),
    }),
  })

const removePage = (asked: Asked, { seat }: Student): Reply =>
  classroomPage({
    title: 'Remove a student?',
    main: removing({
      name: written(seat.name),
      back: backOf(asked),
      form: formOf(asked, { name: 'remove', text: 'Remove' }, { student: `${seat.number}` }),
    }),
  })

function linkPage(asked: Asked, { seat }: Student): Reply {
  const { context, classroom } = asked
  const key = new URLSearchParams({ seat: seatKey(context, classroom, seat.realm) })
  return classroomPage({
    title: 'Link for another browser',
    main: linking({
      name: written(seat.name),
      link: `${joinLink(context.config, classroom)}&${key}`,
      back: backOf(asked),
    }),
  })
}

const ofStudent = new Map([
  ['remove', removePage],
  ['link', linkPage],
])

/** `ask`: `end`, `remove` or `link`; the last two are about a student. Throws `not_found` for one who is not there any more. */
export function askPage(asked: Asked, ask: string, number: string | undefined): Reply {
  if (ask === 'end') return endPage(asked)
  const student = asked.students.find(({ seat }) => `${seat.number}` === number)
  const page = ofStudent.get(ask)
  if (!page)
    throw new HttpError('not_found', { expected: `ask: end, ${[...ofStudent.keys()].join(', ')}`, came: ask })
  if (!student) throw noStudent(number)
  return page(asked, student)
}
