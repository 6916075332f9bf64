/** The front end in the browser: it calls its own server, which calls the API. No token is here. */
import { notesPage } from '../notes_page/notes.ts'

const csrf = document.querySelector<HTMLMetaElement>('meta[name=csrf]')?.content ?? ''

if (document.getElementById('notes')) {
  // The header makes it a request that no form of another site can send, and its value one that only this page knows.
  const show = notesPage((method, body) =>
    fetch('/api/notes', { method, headers: { 'x-csrf': csrf }, ...(body !== undefined && { body }) }),
  )
  // The session may have ended meanwhile: at the provider, in another tab, or by its age.
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'visible') show()
  })
}
