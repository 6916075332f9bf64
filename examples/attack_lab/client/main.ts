/** The client: a web application that shows a person their notes. Its tokens stay on its server. */
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { pageOf } from '../../exchanges/page.ts'
import type { Lab, Running } from '../lab.ts'
import { serve } from '../serve.ts'
import { type Account, createAccounts } from './accounts.ts'
import { verified } from './id_token.ts'
import { readNotes, writeNote } from './notes.ts'
import { Refused } from './refused.ts'
import { registrationOf } from './registration.ts'
import { implicitRequest, welcome } from './welcome.ts'
import { begin, finish, type Pending, type SignedIn } from './sign_in.ts'

/** What is remembered of a browser. */
interface Session {
  pending?: Pending
  /** The page after the sign-in. */
  after?: string
  signedIn?: SignedIn & { account: Account }
}

export function startClient(lab: Lab): Running {
  const sessions = new Map<string, Session>()
  /** By state: the sign-ins that began in any browser. */
  const all = new Map<string, Pending>()
  const accounts = createAccounts(lab)
  const home = `${lab.at.client}/`

  const sessionOf = (request: Bun.BunRequest) => sessions.get(request.cookies.get('notes_session') ?? '')

  /** A new id each time, so that an id from before the sign-in is of no use after it. */
  function keep(request: Bun.BunRequest, session: Session): void {
    sessions.delete(request.cookies.get('notes_session') ?? '')
    const id = randomBytes(32).toString('base64url')
    sessions.set(id, session)
    request.cookies.set('notes_session', id, { httpOnly: true, sameSite: 'lax' })
  }

  function signIn(request: Bun.BunRequest): Response {
    const query = new URL(request.url).searchParams
    const after = query.get('then') === 'welcome' ? `${home}welcome` : home
    if (after !== home && lab.weak('token_in_fragment')) return Response.redirect(implicitRequest(lab))
    const { url, pending } = begin(lab, registrationOf(lab, query.get('with') ?? 'latchkey'))
    all.set(pending.state, pending)
    keep(request, { pending, after })
    return Response.redirect(url)
  }

  async function callback(request: Bun.BunRequest): Promise<Response> {
    try {
      const answer = new URL(request.url).searchParams
      const session = sessionOf(request)
      const signedIn = await finish(lab, answer, session?.pending, all)
      keep(request, { signedIn: { ...signedIn, account: accounts.accountOf(signedIn.claims) } })
      return Response.redirect(session?.after ?? home)
    } catch (error) {
      const { message } = refused(error)
      return page(400, `<p id="status">You are not signed in: ${Bun.escapeHTML(message)}</p>`)
    }
  }

  /** The application on the phone has an ID Token of the provider, and gets the notes for it. */
  async function mobile(request: Bun.BunRequest): Promise<Response> {
    try {
      const idToken = new URLSearchParams(await request.text()).get('id_token') ?? ''
      const claims = await verified(lab, registrationOf(lab, 'latchkey'), idToken)
      const { name, notes } = accounts.accountOf(claims)
      return Response.json({ name, notes })
    } catch (error) {
      return Response.json({ error: refused(error).message }, { status: 400 })
    }
  }

  function refused(error: unknown): Refused {
    const refusal = error instanceof Refused ? error : new Refused('fault', String(error))
    lab.note({ what: 'client refused', because: refusal.because, detail: refusal.message })
    return refusal
  }

  async function show(request: Bun.BunRequest): Promise<Response> {
    const signedIn = sessionOf(request)?.signedIn
    if (!signedIn)
      return page(
        200,
        '<p id="status">You are signed out</p><p><a class="button" href="/login">Sign in</a></p>',
      )
    const { account } = signedIn
    account.notes = (await readNotes(lab, signedIn)) ?? account.notes
    return page(
      200,
      `<p id="status">You are ${Bun.escapeHTML(account.name)}</p>
<ul>${account.notes.map((note) => `<li>${Bun.escapeHTML(note)}</li>`).join('')}</ul>
<form method="post" action="/notes"><p><label>A new note<br><input name="text" required></label></p><button name="keep">Keep</button></form>
<nav><a href="/sign_out">Sign out</a></nav>`,
    )
  }

  async function write(request: Bun.BunRequest): Promise<Response> {
    const signedIn = sessionOf(request)?.signedIn
    const text = new URLSearchParams(await request.text()).get('text')
    if (signedIn && text !== null) await writeNote(lab, signedIn, text)
    return Response.redirect(home, 303)
  }

  function signOut(request: Bun.BunRequest): Response {
    const idToken = sessionOf(request)?.signedIn?.idToken
    keep(request, {})
    if (idToken === undefined) return Response.redirect(home)
    return Response.redirect(`${lab.at.provider}/logout?${new URLSearchParams({ id_token_hint: idToken })}`)
  }

  return serve(lab.at.client, {
    '/': show,
    '/login': signIn,
    '/callback': callback,
    '/mobile': { POST: mobile },
    '/notes': { POST: write },
    '/sign_out': signOut,
    ...welcome(lab),
    '/style.css': () => new Response(Bun.file(join(import.meta.dir, '../../exchanges/style.css'))),
  })
}

const page = (status: number, body: string): Response => pageOf(status, 'Notes', body, '')
