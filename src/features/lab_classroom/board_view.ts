/** The board: figures, those who need help, and a row for each student. */
import type { Context } from '../../contracts/context.ts'
import type { Lesson, Step } from '../../flow/lessons/lesson.ts'
import type { IconName } from '../../html/icon.ts'
import { icon } from '../../html/page_parts.ts'
import { defineView, type Html } from '../../html/view.ts'
import { written } from '../../lib/unsafe_text.ts'
import type { Classroom } from '../../models/classroom.ts'
import { joinLink } from '../../flow/classroom_links.ts'
import { boardPath, openPath, resultsPath } from './paths.ts'
import { questionsOf, type Student, type StudentState } from './students.ts'

const view = defineView(
  'classroom_board',
  `<p>The classroom ends on <time datetime="{{ends}}">{{endsText}} UTC</time>. Then all of it is gone. Students join at <a href="{{join}}">{{join}}</a></p>
<div data-part="board"><ul class="tiles">{{tiles}}</ul>{{help}}{{table}}</div>
<p class="actions row"><a class="button" href="{{results}}">Download the results (CSV)</a> <a class="button" href="{{end}}">End the classroom</a></p>`,
  ['ends', 'endsText', 'join', 'tiles', 'help', 'table', 'results', 'end'],
)
const tile = defineView('classroom_tile', '<li><p class="figure">{{figure}}</p><p>{{text}}</p></li>', [
  'figure',
  'text',
])
const helpView = defineView('classroom_help', '<h2>Need help</h2><ul class="links">{{students}}</ul>', [
  'students',
])
const helpRow = defineView(
  'classroom_help_row',
  '<li><a href="{{flow}}"><bdi>{{name}}</bdi>: {{code}}</a><span><bdi>{{problem}}</bdi>. {{times}} Last at {{at}} UTC. <a href="{{error}}">What it means<span class="unseen"> for {{name}}</span></a></span></li>',
  ['flow', 'name', 'code', 'problem', 'times', 'at', 'error'],
)
const none = defineView('classroom_none', '<p class="muted data_empty">No student has joined yet.</p>', [])
const table = defineView(
  'classroom_table',
  `<h2>Students</h2><div class="table_scroll" tabindex="0" role="region" aria-label="Students"><table class="data"><thead><tr><th scope="col">Student</th><th scope="col">State</th>{{heads}}<th scope="col">Answers</th><th scope="col">Last request (UTC)</th><th scope="col">Open</th></tr></thead><tbody>{{rows}}</tbody></table></div><ol class="small muted">{{steps}}</ol>`,
  ['heads', 'rows', 'steps'],
)
const head = defineView('classroom_head', '<th scope="col"><abbr title="{{title}}">{{number}}</abbr></th>', [
  'number',
  'title',
])
const stepName = defineView('classroom_step', '<li>{{title}}</li>', ['title'])
const row = defineView(
  'classroom_row',
  `<tr><th scope="row"><bdi>{{name}}</bdi></th><td data-title="State">{{state}}</td>{{steps}}<td data-title="Answers">{{right}}</td><td data-title="Last request">{{last}}</td><td data-title="Open"><span><a href="{{worksheet}}">Worksheet<span class="unseen"> of {{name}}</span></a>, <a href="{{flows}}">flows<span class="unseen"> of {{name}}</span></a>, <a href="{{link}}">link<span class="unseen"> for another browser of {{name}}</span></a>, <a href="{{remove}}">remove<span class="unseen"> {{name}}</span></a></span></td></tr>`,
  ['name', 'state', 'steps', 'right', 'last', 'worksheet', 'flows', 'link', 'remove'],
)
const doneCell = defineView(
  'classroom_done',
  '<td data-title="{{title}}"><a class="state good" href="{{flow}}" title="{{at}} UTC">{{icon}}<span class="unseen">{{title}}: done by {{name}}</span></a></td>',
  ['title', 'flow', 'at', 'icon', 'name'],
)
const openCell = defineView(
  'classroom_open',
  '<td data-title="{{title}}"><span class="muted">–</span></td>',
  ['title'],
)
const stateView = defineView('classroom_state', '<span class="state {{kind}}">{{icon}}{{text}}</span>', [
  'kind',
  'icon',
  'text',
])

const states: Readonly<Record<StudentState, readonly [kind: string, mark: IconName]>> = {
  done: ['good', 'circle-check'],
  stuck: ['bad', 'octagon-x'],
  quiet: ['doubtful', 'clock'],
  working: ['', 'activity'],
}

interface Board {
  context: Context
  classroom: Classroom
  lesson: Lesson
  students: readonly Student[]
}

const timeOf = (ms: number): string => new Date(ms).toISOString().slice(11, 19)

/** The way into the realm of a student, which sets the pass. */
const way = (
  { context: { basePath }, classroom }: Board,
  { seat }: Student,
  more: Record<string, string>,
): string =>
  `${basePath}${openPath}?${new URLSearchParams({ room: classroom.id, student: `${seat.number}`, ...more })}`

const cellOf = (board: Board, student: Student, step: Step): Html => {
  const done = student.progress?.done[step.id]
  return done
    ? doneCell({
        title: step.title,
        flow: way(board, student, { flow: done.flow }),
        at: timeOf(done.at),
        icon: icon('circle-check'),
        name: written(student.seat.name),
      })
    : openCell({ title: step.title })
}

function rowOf(board: Board, student: Student): Html {
  const { context, classroom, lesson } = board
  const { seat, state, right, lastAt } = student
  const [kind, mark] = states[state]
  const asking = (ask: string): string =>
    `${context.basePath}${boardPath}?${new URLSearchParams({ room: classroom.id, ask, student: `${seat.number}` })}`
  return row({
    name: written(seat.name),
    state: stateView({ kind, icon: icon(mark), text: state }),
    steps: lesson.steps.map((step) => cellOf(board, student, step)),
    right: `${right} of ${questionsOf(lesson).length}`,
    last: lastAt === undefined ? 'none' : timeOf(lastAt),
    worksheet: way(board, student, {}),
    flows: way(board, student, { flows: 'all' }),
    link: asking('link'),
    remove: asking('remove'),
  })
}

const helpOf = (board: Board, student: Student): Html | Html[] =>
  student.trouble
    ? helpRow({
        name: written(student.seat.name),
        code: written(student.trouble.code),
        problem: written(student.trouble.problem),
        times: student.trouble.times === 1 ? '' : `${student.trouble.times} times.`,
        at: timeOf(student.trouble.at),
        flow: way(board, student, { flow: student.trouble.flow }),
        error: way(board, student, { error: student.trouble.request }),
      })
    : []

export function boardView(board: Board): Html {
  const { context, classroom, lesson, students } = board
  const stuck = students.filter(({ state }) => state === 'stuck')
  const count = (state: StudentState) => `${students.filter((each) => each.state === state).length}`
  const figures: [string, string][] = [
    [`${students.length} of ${classroom.students}`, 'students'],
    [count('done'), 'done'],
    [count('working'), 'working'],
    [count('stuck'), 'stuck'],
    [count('quiet'), 'quiet for five minutes'],
  ]
  const room = new URLSearchParams({ room: classroom.id }).toString()
  const ends = new Date(classroom.exp * 1000).toISOString()
  return view({
    ends,
    endsText: ends.slice(0, 16).replace('T', ' '),
    join: joinLink(context.config, classroom),
    tiles: figures.map(([figure, text]) => tile({ figure, text })),
    help: stuck.length > 0 ? helpView({ students: stuck.flatMap((student) => helpOf(board, student)) }) : [],
    table:
      students.length > 0
        ? table({
            heads: lesson.steps.map(({ title }, at) => head({ number: `${at + 1}`, title })),
            rows: students.map((student) => rowOf(board, student)),
            steps: lesson.steps.map(({ title }) => stepName({ title })),
          })
        : none({}),
    results: `${context.basePath}${resultsPath}?${room}`,
    end: `${context.basePath}${boardPath}?${room}&ask=end`,
  })
}
