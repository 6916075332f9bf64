/** One step of a lesson: its state, what to do, its question and its hints. */
import { defineView, type Html } from '../../html/view.ts'
import { icon, hiddenField } from '../../html/page_parts.ts'
import { written } from '../../lib/unsafe_text.ts'
import type { Lesson, Part, Step, Values } from '../../flow/lessons/lesson.ts'
import type { Progress } from '../../models/worksheet.ts'

const stepView = defineView(
  'lesson_step',
  `<li id="step-{{id}}" data-part="step-{{id}}" class="lesson_step"><h3>{{title}}</h3><p>{{state}} {{flow}}</p>{{todo}}{{question}}{{hints}}</li>`,
  ['id', 'title', 'state', 'flow', 'todo', 'question', 'hints'],
)
const state = defineView('lesson_state', '<span class="state {{kind}}">{{icon}}{{text}}</span>', [
  'kind',
  'icon',
  'text',
])
const flowLink = defineView(
  'lesson_flow',
  '<a href="{{path}}">Show this request in its flow<span class="unseen">: {{title}}</span></a>',
  ['path', 'title'],
)
const paragraph = defineView('lesson_say', '<p>{{text}}</p>', ['text'])
const commandView = defineView(
  'lesson_command',
  '<pre class="raw" dir="ltr" tabindex="0" role="region" aria-label="{{label}}">{{text}}</pre>',
  ['label', 'text'],
)
const openView = defineView(
  'lesson_open',
  '<p><a class="lesson_address" href="{{url}}" target="_blank" rel="noopener noreferrer">{{url}}</a> (opens a new tab)</p>',
  ['url'],
)
const pageView = defineView('lesson_page', '<p><a href="{{path}}">{{title}}</a></p>', ['path', 'title'])
const hintsView = defineView(
  'lesson_hints',
  '<details><summary>Hints<span class="unseen"> for {{title}}</span></summary><ul>{{hints}}</ul></details>',
  ['title', 'hints'],
)
const hint = defineView('lesson_hint', '<li>{{text}}</li>', ['text'])
const questionView = defineView(
  'lesson_question',
  `<form method="post" action="{{action}}">{{hidden}}<label for="answer-{{id}}">{{ask}}</label><input id="answer-{{id}}" name="answer" autocomplete="off" spellcheck="false" maxlength="400" required aria-describedby="{{described}}">{{told}}<button type="submit" name="check" value="check">Check the answer</button></form>`,
  ['action', 'hidden', 'id', 'ask', 'described', 'told'],
)
const wrongView = defineView('lesson_wrong', '<p class="field_problem" id="{{id}}">{{text}}</p>', [
  'id',
  'text',
])
const rightView = defineView(
  'lesson_right',
  '<p>{{ask}} <strong class="state good">{{icon}}Right: <bdi>{{answer}}</bdi></strong></p>',
  ['ask', 'icon', 'answer'],
)

export interface StepPage {
  basePath: string
  action: string
  csrf: string
  lesson: Lesson
  progress: Progress | undefined
  values: Values
  /** The step whose answer was wrong just now. */
  wrong: string | undefined
}

function partOf(part: Part, label: string, basePath: string): Html {
  if ('say' in part) return paragraph({ text: part.say })
  if ('command' in part) return commandView({ label, text: part.command })
  if ('open' in part) return openView({ url: part.open })
  return pageView({ path: `${basePath}${part.page}`, title: part.title })
}

/** Commands that follow each other are one block to copy. */
const joined = (parts: readonly Part[]): Part[] =>
  parts.reduce<Part[]>((before, part) => {
    const last = before.at(-1)
    return last && 'command' in last && 'command' in part
      ? [...before.slice(0, -1), { command: `${last.command}\n${part.command}` }]
      : [...before, part]
  }, [])

function questionOf(step: Step, { action, csrf, lesson, progress, wrong }: StepPage): Html | Html[] {
  const wanted = progress?.done[step.id]?.answer
  if (!step.question || wanted === undefined) return []
  const { ask } = step.question
  const given = progress?.answers[step.id]
  if (given?.right_at !== undefined)
    return rightView({ ask, icon: icon('circle-check'), answer: written(wanted) })
  const problem = `wrong-${step.id}`
  const isWrong = wrong === step.id && given !== undefined
  return questionView({
    action,
    hidden: Object.entries({ csrf_token: csrf, lesson: lesson.id, step: step.id }).map(([name, value]) =>
      hiddenField({ name, value }),
    ),
    id: step.id,
    ask,
    described: isWrong ? problem : '',
    told: isWrong
      ? wrongView({
          id: problem,
          text: 'That is not the value of your own flow. Look at the request in its flow, and copy the value.',
        })
      : [],
  })
}

export function viewOf(step: Step, at: number, page: StepPage): Html {
  const { basePath, progress, values } = page
  const title = `${at + 1}. ${step.title}`
  const done = progress?.done[step.id]
  return stepView({
    id: step.id,
    title,
    state: state(
      done
        ? { kind: 'good', icon: icon('circle-check'), text: 'done' }
        : { kind: 'doubtful', icon: icon('clock'), text: 'to do' },
    ),
    flow: done ? flowLink({ path: `${basePath}/lab/flow?id=${done.flow}`, title: step.title }) : [],
    todo: joined(step.todo(values)).map((part, number) =>
      partOf(part, `Commands of step ${at + 1}, part ${number + 1}`, basePath),
    ),
    question: questionOf(step, page),
    hints: hintsView({ title: step.title, hints: step.hints.map((text) => hint({ text })) }),
  })
}
