/** The pages of the board. They are complete without the script, which loads what is new. */
import type { Addresses } from '../addresses.ts'
import type { Fact } from '../facts.ts'
import type { Journal, Progress } from '../journal.ts'
import { type Lesson, lessons } from '../lessons.ts'
import { weaknesses } from '../weaknesses.ts'
import { hintsOf, type LessonText } from './lesson_text.ts'

const escaped = Bun.escapeHTML

/** Markdown of our own files; code blocks can be reached by keyboard, because they scroll. */
const html = (markdown: string): string =>
  Bun.markdown.html(markdown).replaceAll('<pre>', '<pre tabindex="0">')

const classes = { 'not yet': 'open', 'attack succeeded': 'fallen', defended: 'held' } as const

const badge = ({ state }: Progress): string => `<strong class="badge ${classes[state]}">${state}</strong>`

const isDone = ({ seen }: Progress): boolean => seen.size === 2

export function boardPage(at: Addresses, journal: Journal): Response {
  const rows = lessons.map((lesson) => {
    const progress = journal.progress(lesson)
    const done = isDone(progress) ? ' <span class="done">done</span>' : ''
    return `<li><a href="/lessons/${lesson.number}">${escaped(lesson.title)}</a> <span data-live="${lesson.number}">${badge(progress)}${done}</span></li>`
  })
  const count = lessons.filter((lesson) => isDone(journal.progress(lesson))).length
  return page(
    'Attack lab',
    `<p>Each lesson is an attack on a small program. First you make it weak and attack it. Then you make it strong again, and the same attack fails.</p>
<p>Lessons done: <span data-live="count">${count}</span> of ${lessons.length}. The programs notice by themselves what an attack came to.</p>
<ol class="lessons">${rows.join('\n')}</ol>
<p>Latchkey shows what it received, checked and answered in <a href="${at.provider}/lab">its own lab</a>.</p>`,
  )
}

export function lessonPage(journal: Journal, lesson: Lesson, text: LessonText): Response {
  const progress = journal.progress(lesson)
  const hints = hintsOf(text).map(
    (hint, at) => `<details><summary>Hint ${at + 1}</summary>${html(hint)}</details>`,
  )
  return page(
    `${lesson.number}. ${lesson.title}`,
    `<p>State: <span data-live="state" role="status">${badge(progress)}</span> <a href="/lessons/${lesson.number}">Look again</a></p>
<h2>Story</h2>${html(text.Story)}
<h2>Goal</h2>${html(text.Goal)}
<h2>Hints</h2>${hints.join('\n')}
<h2>Switch</h2><div data-live="switch">${switchForm(journal, lesson)}</div>
<h2>Attack</h2>${html(text.Attack)}
<h2>Defence</h2>${html(text.Defence)}
<h2>Rule</h2>${html(text.Rule)}
<h2>What the programs noticed</h2><div data-live="facts">${factList(journal.facts())}</div>
<nav aria-label="Lessons"><p><a href="/">All lessons</a>${neighbour(lesson.number + 1, 'Next')}</p></nav>`,
  )
}

const neighbour = (number: number, word: string): string => {
  const lesson = lessons.find((each) => each.number === number)
  return lesson ? ` · <a href="/lessons/${number}">${word}: ${escaped(lesson.title)}</a>` : ''
}

function switchForm(journal: Journal, { weakness }: Lesson): string {
  const weak = journal.weak(weakness)
  const [now, next, label] = weak
    ? ['weak', 'strong', 'Switch the defence on']
    : ['strong', 'weak', 'Switch the defence off']
  return `<form method="post" action="/switch" class="switch">
<p><code>${weakness}</code> is <strong>${now}</strong>. Weak means: ${escaped(weaknesses[weakness])}.</p>
<input type="hidden" name="name" value="${weakness}"><button name="value" value="${next}">${label}</button>
</form>`
}

const described = ({ what, ...details }: Fact): string =>
  `<strong>${what}</strong> ${Object.entries(details)
    .map(([name, value]) => `${name}: ${escaped(String(value))}`)
    .join(', ')}`

const factList = (facts: readonly Fact[]): string =>
  facts.length === 0
    ? '<p>Nothing so far.</p>'
    : `<ol class="facts" reversed>${facts
        .toReversed()
        .slice(0, 12)
        .map((fact) => `<li>${described(fact)}</li>`)
        .join('\n')}</ol>`

export const notFound = (): Response =>
  page('There is nothing here', '<p><a href="/">All lessons</a></p>', 404)

const page = (title: string, body: string, status = 200): Response =>
  new Response(
    `<!doctype html>
<html lang="en">
<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(title)}</title><link rel="icon" href="data:,"><link rel="stylesheet" href="/style.css"><link rel="stylesheet" href="/board.css"><script src="/live.js" defer></script>
<main>
<h1>${escaped(title)}</h1>
${body}
</main>
</html>`,
    {
      status,
      headers: {
        'content-type': 'text/html; charset=utf-8',
        'cache-control': 'no-store',
        'content-security-policy':
          "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
      },
    },
  )
