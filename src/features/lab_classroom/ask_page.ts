/** The question before a classroom ends or a student is removed, and the link for another browser of a student. */
import type { Context } from '../../contracts/context.ts'
import type { Reply } from '../../contracts/reply.ts'
import { labForm } from '../../flow/lab_form.ts'
import { joinLink } from '../../flow/classroom_links.ts'
import { defineView } from '../../html/view.ts'
import { written } from '../../lib/unsafe_text.ts'
import type { Classroom } from '../../models/classroom.ts'
import { seatKey } from './cookies.ts'
import { classroomPage } from './frame.ts'
import { boardPath, resultsPath } from './paths.ts'
import type { Student } from './students.ts'
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
  /** What is asked: `end`, `remove` or `link`. */
  ask: string
  context: Context
  classroom: Classroom
  csrf: string
  students: readonly Student[]
  /** Of the student whom it is about. */
  number: number | undefined
}

export function askPage({ ask, context, classroom, csrf, students, number }: Asked): Reply {
  const action = `${context.basePath}${boardPath}`
  const hidden = { csrf_token: csrf, room: classroom.id }
  const back = boardAt(context, classroom)
  const student = students.find(({ seat }) => seat.number === number)
  if (student && ask === 'link') {
    const seat = new URLSearchParams({ seat: seatKey(context, classroom, student.seat.realm) })
    return classroomPage({
      title: 'Link for another browser',
      main: linking({
        name: written(student.seat.name),
        link: `${joinLink(context.config, classroom)}&${seat}`,
        back,
      }),
    })
  }
  if (student)
    return classroomPage({
      title: 'Remove a student?',
      main: removing({
        name: written(student.seat.name),
        back,
        form: labForm({
          action,
          hidden: { ...hidden, student: `${student.seat.number}` },
          buttons: [{ name: 'remove', value: 'remove', text: 'Remove', kind: 'danger' }],
        }),
      }),
    })
  return classroomPage({
    title: 'End the classroom?',
    main: ending({
      students: `${students.length}`,
      results: `${context.basePath}${resultsPath}?${new URLSearchParams({ room: classroom.id })}`,
      back,
      form: labForm({
        action,
        hidden,
        buttons: [{ name: 'end', value: 'end', text: 'End it now', kind: 'danger' }],
      }),
    }),
  })
}
