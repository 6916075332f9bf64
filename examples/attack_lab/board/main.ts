/** The board: the lessons, their switches, and what each attack came to. */
import { join } from 'node:path'
import type { Addresses } from '../addresses.ts'
import { createBrowser } from '../browser.ts'
import type { Journal } from '../journal.ts'
import { lessonOf, lessons } from '../lessons.ts'
import type { Running } from '../lab.ts'
import { serve } from '../serve.ts'
import { isWeakness } from '../weaknesses.ts'
import { lessonText } from './lesson_text.ts'
import { boardPage, lessonPage, notFound } from './pages.ts'

const people = [
  { username: 'alice', password: 'alicepassword' },
  { username: 'bob', password: 'bobpassword' },
]

/** `caughtUp` resolves when the journal has everything that happened before. */
export function startBoard(at: Addresses, journal: Journal, caughtUp: () => Promise<void>): Running {
  const providers = [at.provider, at.door]
  const browsers = new Map(
    people.map((person) => [person.username, createBrowser(providers, person)] as const),
  )

  /** Another site must not turn switches, nor open pages as Alice. A command sends neither header. */
  const isForeign = (request: Request): boolean =>
    ![null, at.board].includes(request.headers.get('origin')) ||
    ![null, 'none', 'same-origin'].includes(request.headers.get('sec-fetch-site'))

  const own = (handle: (request: Bun.BunRequest) => Promise<Response>) => async (request: Bun.BunRequest) =>
    isForeign(request) ? text(403, 'This form came from another site') : handle(request)

  const lessonAt = (request: Bun.BunRequest) =>
    lessonOf(Number((request.params as { number?: string }).number))

  async function turn(request: Bun.BunRequest): Promise<Response> {
    const form = new URLSearchParams(await request.text())
    const name = form.get('name') ?? ''
    const value = form.get('value')
    if (!isWeakness(name) || (value !== 'weak' && value !== 'strong'))
      return text(400, 'Send the name of a switch, and the value weak or strong')
    journal.set(name, value === 'weak')
    const lesson = lessons.find(({ weakness }) => weakness === name)!
    return request.headers.get('accept')?.includes('text/html')
      ? Response.redirect(`${at.board}/lessons/${lesson.number}`, 303)
      : text(200, `${name} is ${value}`)
  }

  async function browse(request: Request): Promise<Response> {
    try {
      const { person, url, ...options } = (await request.json()) as Record<string, string>
      const browser = browsers.get(person ?? '')
      if (!browser) return text(400, `There is no ${person}, only ${[...browsers.keys()].join(' and ')}`)
      const visit = await browser.visit(url ?? '', options)
      return text(200, visit.text === '' ? visit.url : visit.text)
    } catch (error) {
      return text(400, String(error))
    }
  }

  const file = (name: string) => () => new Response(Bun.file(join(import.meta.dir, name)))

  return serve(at.board, {
    '/': () => boardPage(at, journal),
    '/lessons/:number': async (request) => {
      const lesson = lessonAt(request)
      return lesson ? lessonPage(journal, lesson, await lessonText(lesson, at)) : notFound()
    },
    '/lessons/:number/state': async (request) => {
      await caughtUp()
      const lesson = lessonAt(request)
      return lesson ? text(200, journal.progress(lesson).state) : notFound()
    },
    '/switch': { POST: own(turn) },
    '/browse': { POST: own(browse) },
    '/style.css': file('../../exchanges/style.css'),
    '/board.css': file('board.css'),
    '/live.js': file('live.js'),
  })
}

const text = (status: number, line: string): Response =>
  new Response(`${line}\n`, { status, headers: { 'content-type': 'text/plain; charset=utf-8' } })
