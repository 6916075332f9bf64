/** The question before a classroom ends, or a student is removed. */
import type { Context } from '../../contracts/context.ts'
import type { Reply } from '../../contracts/reply.ts'
import { labForm } from '../../flow/lab_form.ts'
import { defineView } from '../../html/view.ts'
import { written } from '../../lib/unsafe_text.ts'
import type { Classroom } from '../../models/classroom.ts'
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

interface Asked {
  context: Context
  classroom: Classroom
  csrf: string
  students: readonly Student[]
  /** Of the student who is removed. */
  number: number | undefined
}

export function endForm({ context, classroom, csrf, students, number }: Asked): Reply {
  const action = `${context.basePath}${boardPath}`
  const hidden = { csrf_token: csrf, room: classroom.id }
  const back = boardAt(context, classroom)
  const student = students.find(({ seat }) => seat.number === number)
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
