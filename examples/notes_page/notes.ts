/** The notes on a page of the browser applications: a list, a form and a button, and the words for what went wrong. */

export type Call = (method: 'GET' | 'POST' | 'DELETE', body?: string) => Promise<Response>

const element = <T extends HTMLElement>(id: string): T => document.getElementById(id) as T

export const say = (text: string): void => {
  element('said').textContent = text
}

const words: Readonly<Record<string, string>> = {
  signed_out: 'Your session has ended. Load the page again to sign in.',
  refused: 'This page is of another session. Load it again.',
  step_up: 'For this, your sign-in must be recent. Sign in again, then repeat it.',
  api_unavailable: 'The notes cannot be reached. Try again in a moment.',
  invalid_request: 'This note is too long, or there are too many.',
}

/** The answer, if the API did it. Otherwise the page says why not. */
async function done(answer: Response): Promise<Response | undefined> {
  const { error = '' } = answer.ok ? {} : ((await answer.json().catch(() => ({}))) as { error?: string })
  if (!answer.ok) say(words[error] ?? `This did not work: ${error || answer.status}`)
  element('step_up').hidden = error !== 'step_up'
  return answer.ok ? answer : undefined
}

/** Shows the notes; the function that it returns shows them again. */
export function notesPage(call: Call): () => void {
  const failed = (): void => say('The server cannot be reached. Try again in a moment.')

  async function show(): Promise<void> {
    const answer = await done(await call('GET'))
    if (!answer) return
    const { notes } = (await answer.json()) as { notes: string[] }
    const items = notes.map((text) => {
      const item = document.createElement('li')
      item.textContent = text // as text, never as HTML: a note may have been written by an attacker
      return item
    })
    element('notes').replaceChildren(...items)
    element('remove').hidden = notes.length === 0
    if (notes.length === 0) say('There are no notes')
  }

  async function change(method: 'POST' | 'DELETE', body?: string): Promise<void> {
    if (!(await done(await call(method, body)))) return
    if (method === 'POST') element<HTMLInputElement>('text').value = ''
    say(method === 'POST' ? 'Added' : 'Deleted')
    await show()
  }

  element('add').addEventListener('submit', (event) => {
    event.preventDefault()
    const { value: text } = element<HTMLInputElement>('text')
    change('POST', JSON.stringify({ text })).catch(failed)
  })
  element('remove').addEventListener('click', () => void change('DELETE').catch(failed))
  const again = (): void => void show().catch(failed)
  again()
  return again
}
