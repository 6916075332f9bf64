/** The client: a web application that shows a person their notes. Its tokens stay on its server. */
import { join } from 'node:path'
import { randomBytes } from 'node:crypto'
import { pageOf } from '../../exchanges/page.ts'
import type { Lab, Running } from '../lab.ts'
import { serve } from '../serve.ts'
import { Refused } from './refused.ts'
import { begin, finish, type Pending, type SignedIn } from './sign_in.ts'

/** What is remembered of a browser. */
interface Session {
  pending?: Pending
  signedIn?: SignedIn
}

export function startClient(lab: Lab): Running {
  const sessions = new Map<string, Session>()
  /** By state: the sign-ins that began in any browser. */
  const all = new Map<string, Pending>()

  const sessionOf = (request: Bun.BunRequest) => sessions.get(request.cookies.get('notes_session') ?? '')

  /** A new id each time, so that an id from before the sign-in is of no use after it. */
  function keep(request: Bun.BunRequest, session: Session): void {
    sessions.delete(request.cookies.get('notes_session') ?? '')
    const id = randomBytes(32).toString('base64url')
    sessions.set(id, session)
    request.cookies.set('notes_session', id, { httpOnly: true, sameSite: 'lax' })
  }

  function signIn(request: Bun.BunRequest): Response {
    const { url, pending } = begin(lab)
    all.set(pending.state, pending)
    keep(request, { pending })
    return Response.redirect(url)
  }

  async function callback(request: Bun.BunRequest): Promise<Response> {
    try {
      const answer = new URL(request.url).searchParams
      keep(request, { signedIn: await finish(lab, answer, sessionOf(request)?.pending, all) })
      return Response.redirect(`${lab.at.client}/`)
    } catch (error) {
      return refused(error)
    }
  }

  function refused(error: unknown): Response {
    const { because, message } = error instanceof Refused ? error : new Refused('fault', String(error))
    lab.note({ what: 'client refused', because, detail: message })
    return page(400, `<p id="status">You are not signed in: ${Bun.escapeHTML(message)}</p>`)
  }

  async function home(request: Bun.BunRequest): Promise<Response> {
    const person = sessionOf(request)?.signedIn
    if (!person)
      return page(
        200,
        '<p id="status">You are signed out</p><p><a class="button" href="/login">Sign in</a></p>',
      )
    const notes = await fetch(lab.at.notes, { headers: { authorization: `Bearer ${person.accessToken}` } })
    const list = notes.ok ? ((await notes.json()) as { notes: string[] }).notes : []
    return page(
      200,
      `<p id="status">You are ${Bun.escapeHTML(person.name)}</p>
<ul>${list.map((note) => `<li>${Bun.escapeHTML(note)}</li>`).join('')}</ul>
<form method="post" action="/notes"><label>A new note <input name="text" required></label> <button name="keep">Keep</button></form>`,
    )
  }

  async function write(request: Bun.BunRequest): Promise<Response> {
    const person = sessionOf(request)?.signedIn
    const text = new URLSearchParams(await request.text()).get('text')
    if (!person || text === null) return Response.redirect(`${lab.at.client}/`)
    await fetch(lab.at.notes, {
      method: 'POST',
      headers: { authorization: `Bearer ${person.accessToken}` },
      body: text,
    })
    return Response.redirect(`${lab.at.client}/`, 303)
  }

  return serve(lab.at.client, {
    '/': home,
    '/login': signIn,
    '/callback': callback,
    '/notes': { POST: write },
    '/style.css': () => new Response(Bun.file(join(import.meta.dir, '../../exchanges/style.css'))),
  })
}

const page = (status: number, body: string): Response => pageOf(status, 'Notes', body, '')
