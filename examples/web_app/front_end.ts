/** The front end in the browser: it calls its own server, which calls the API. No token is here. */

const element = <T extends HTMLElement>(id: string): T => document.getElementById(id) as T
const csrf = document.querySelector<HTMLMetaElement>('meta[name=csrf]')?.content ?? ''

/** The header makes the request one that no form of another site can send, and its value one that only this page knows. */
const ask = (path: string, init: RequestInit = {}): Promise<Response> =>
  fetch(path, { ...init, headers: { ...init.headers, 'x-csrf': csrf } })

const say = (text: string): void => {
  element('said').textContent = text
}

/** Another person may sign in with another tab: then this page is of a session that is over. */
const words: Readonly<Record<string, string>> = {
  signed_out: 'Your session has ended. Load the page again to sign in.',
  refused: 'This page is of another session. Load it again.',
  step_up: 'For this you must have signed in lately. Sign in again, then repeat it.',
  api_unavailable: 'The notes cannot be reached. Try again in a moment.',
  invalid_request: 'This note is too long, or there are too many.',
}

/** The answer, if the server did it. Otherwise the page says why not. */
async function done(answer: Response): Promise<Response | undefined> {
  if (answer.ok) return answer
  const { error = '' } = (await answer.json().catch(() => ({}))) as { error?: string }
  say(words[error] ?? `This did not work: ${error || answer.status}`)
  element('step_up').hidden = error !== 'step_up'
  return undefined
}

async function show(): Promise<void> {
  const answer = await done(await ask('/api/notes'))
  if (!answer) return
  const { notes } = (await answer.json()) as { notes: string[] }
  const items = notes.map((text) => {
    const item = document.createElement('li')
    item.textContent = text // as text, never as HTML: a note may have been written by an attacker
    return item
  })
  element('notes').replaceChildren(...items)
  if (notes.length === 0) say('There are no notes')
  element('remove').hidden = notes.length === 0
}

async function add(event: SubmitEvent): Promise<void> {
  event.preventDefault()
  const input = element<HTMLInputElement>('text')
  const body = JSON.stringify({ text: input.value })
  if (!(await done(await ask('/api/notes', { method: 'POST', body })))) return
  input.value = ''
  say('Added')
  await show()
}

async function remove(): Promise<void> {
  if (!(await done(await ask('/api/notes', { method: 'DELETE' })))) return
  say('Deleted')
  await show()
}

const failed = (): void => say('The server cannot be reached. Try again in a moment.')

if (document.getElementById('add')) {
  element('add').addEventListener('submit', (event) => void add(event as SubmitEvent).catch(failed))
  element('remove').addEventListener('click', () => void remove().catch(failed))
  element('add').hidden = false
  show().catch(failed)
  // The session may have ended meanwhile: at the provider, in another tab, or by its age.
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'visible') show().catch(failed)
  })
}
