/** /lab/worksheet: all lessons, or one with its steps. It stays up to date by server-sent events; without JavaScript a reload does that. */
import { HttpError } from '../../auth/errors.ts'
import type { Params } from '../../auth/params.ts'
import type { Call } from '../../contracts/call.ts'
import type { Context } from '../../contracts/context.ts'
import type { Reply } from '../../contracts/reply.ts'
import { labForm, labForms } from '../../flow/lab_form.ts'
import { labPage } from '../../flow/lab_page.ts'
import type { Lesson, Values } from '../../flow/lessons/lesson.ts'
import { findLesson, lessons } from '../../flow/lessons/lessons.ts'
import { answer, begin } from '../../flow/lessons/progress.ts'
import { adminScriptPath } from '../../html/assets.ts'
import { defineView, type Html } from '../../html/view.ts'
import { query } from '../../http/call.ts'
import { eventStream } from '../../http/event_stream.ts'
import { redirectWithin } from '../../http/reply.ts'
import { written } from '../../lib/unsafe_text.ts'
import { demoClient, demoDeviceClient, demoPublicClient, demoUsers } from '../../models/demo.ts'
import { type Progress, Worksheet, worksheetId, type WorksheetRecord } from '../../models/worksheet.ts'
import { worksheetLivePath, worksheetPath, worksheetPurpose } from './paths.ts'
import { viewOf } from './step_view.ts'

const list = defineView(
  'lessons',
  '<p>Each lesson is a flow that you run yourself. The recorder sees which step is done, and asks about the values of your own flow.</p><ul class="links">{{lessons}}</ul>',
  ['lessons'],
)
const listed = defineView(
  'lessons_row',
  '<li><a href="{{path}}">{{title}}</a><span>{{goal}} {{progress}}</span></li>',
  ['path', 'title', 'goal', 'progress'],
)
const sheet = defineView(
  'worksheet',
  `<p>{{goal}}</p><div data-part="progress"><p class="strong">{{progress}}</p>{{trouble}}</div>{{begin}}
<h2>Your provider</h2><dl class="facts">{{facts}}</dl>
<h2>Steps</h2><ol class="lesson_steps">{{steps}}</ol><p><a href="{{all}}">All lessons</a></p><div data-stream="{{live}}"></div>`,
  ['goal', 'progress', 'trouble', 'begin', 'facts', 'steps', 'all', 'live'],
)
const fact = defineView(
  'worksheet_fact',
  '<div><dt>{{name}}</dt><dd><code dir="ltr">{{value}}</code></dd></div>',
  ['name', 'value'],
)
const troubleView = defineView(
  'worksheet_trouble',
  '<p class="warning">{{icon triangle-alert}}The last request was refused: {{code}}, <bdi>{{problem}}</bdi>. <a href="{{error}}">What it means</a>, <a href="{{flow}}">its flow</a>.</p>',
  ['code', 'problem', 'error', 'flow'],
)

const [user] = demoUsers

export const valuesOf = ({ config: { issuer } }: Context): Values => ({
  issuer,
  client_id: demoClient.client_id,
  client_secret: demoClient.client_secret,
  public_client_id: demoPublicClient.client_id,
  device_client_id: demoDeviceClient.client_id,
  redirect_uri: demoClient.redirect_uris[0]!,
  username: user.username,
  password: user.password,
})

const wordsOf = ({ steps }: Lesson, progress: Progress | undefined): string =>
  progress
    ? `${Object.keys(progress.done).length} of ${steps.length} steps are done.`
    : `${steps.length} steps.`

const troubleOf = ({ trouble }: WorksheetRecord, { basePath }: Context): Html | Html[] =>
  trouble
    ? troubleView({
        code: written(trouble.code),
        problem: written(trouble.problem),
        error: `${basePath}/lab/error?id=${encodeURIComponent(trouble.request)}`,
        flow: `${basePath}/lab/flow?id=${encodeURIComponent(trouble.flow)}`,
      })
    : []

function factsOf(values: Values): Html[] {
  const names: [string, string][] = [
    ['Issuer', values.issuer],
    ['Client', `${values.client_id} / ${values.client_secret}`],
    ['Redirect URI', values.redirect_uri],
    ['End-User', `${values.username} / ${values.password}`],
  ]
  return names.map(([name, value]) => fact({ name, value }))
}

const addressOf = ({ basePath }: Context, { id }: Lesson): string =>
  `${basePath}${worksheetPath}?${new URLSearchParams({ lesson: id })}`

export async function show(call: Call, context: Context): Promise<Reply> {
  const { lesson: id, wrong } = query(call, context)
  const record = await Worksheet.find(context, worksheetId)
  return id === undefined ? all(context, record) : one(call, context, { lesson: existing(id), record, wrong })
}

function existing(id: string | undefined): Lesson {
  const lesson = findLesson(id)
  if (lesson) return lesson
  throw new HttpError('not_found', {
    expected: `a lesson: ${lessons.map((each) => each.id).join(', ')}`,
    came: id,
    problem: 'there is no such lesson',
  })
}

const all = (context: Context, record: WorksheetRecord | undefined): Reply =>
  labPage(context, {
    current: worksheetPath,
    title: 'Lessons',
    main: list({
      lessons: lessons.map((lesson) =>
        listed({
          path: addressOf(context, lesson),
          title: lesson.title,
          goal: lesson.goal,
          progress: wordsOf(lesson, record?.lessons[lesson.id]),
        }),
      ),
    }),
  })

function one(
  call: Call,
  context: Context,
  {
    lesson,
    record,
    wrong,
  }: { lesson: Lesson; record: WorksheetRecord | undefined; wrong: string | undefined },
): Reply {
  const { csrf_token, cookies } = labForms(call, context, worksheetPurpose)
  const progress = record?.lessons[lesson.id]
  const values = valuesOf(context)
  const { basePath } = context
  const action = `${basePath}${worksheetPath}`
  const page = labPage(context, {
    current: worksheetPath,
    title: lesson.title,
    scripts: [adminScriptPath],
    main: sheet({
      goal: lesson.goal,
      progress: wordsOf(lesson, progress),
      trouble: record && progress ? troubleOf(record, context) : [],
      begin: progress
        ? []
        : labForm({
            action,
            hidden: { csrf_token, lesson: lesson.id },
            buttons: [{ name: 'begin', value: 'begin', text: 'Begin this lesson', kind: 'primary' }],
          }),
      facts: factsOf(values),
      steps: lesson.steps.map((step, at) =>
        viewOf(step, at, { basePath, action, csrf: csrf_token, lesson, progress, values, wrong }),
      ),
      all: action,
      live: `${basePath}${worksheetLivePath}`,
    }),
  })
  return { ...page, cookies }
}

export async function submit(_call: Call, context: Context, fields: Params): Promise<Reply> {
  const lesson = existing(fields.lesson)
  const address = addressOf(context, lesson)
  const { step = '', answer: given = '' } = fields
  if (fields.begin !== undefined) {
    await begin(context, lesson)
    return redirectWithin(address)
  }
  const isKnown = lesson.steps.some(({ id }) => id === step)
  const isRight = isKnown ? await answer(context, { lesson: lesson.id, step, given }) : undefined
  const mark = isRight === false ? `&wrong=${step}` : ''
  return redirectWithin(isKnown ? `${address}${mark}#step-${step}` : address)
}

export const live = (call: Call, context: Context): Reply =>
  eventStream(call, context, {
    lane: `lessons ${call.address}`,
    look: async () => JSON.stringify((await Worksheet.find(context, worksheetId)) ?? {}),
  })
