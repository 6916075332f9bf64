/** The API: it keeps the notes of each person and gives them to the holder of an access token. */
import type { Lab, Running } from '../lab.ts'
import { serve } from '../serve.ts'
import { Refused, refusal } from './refused.ts'
import { subOf } from './token.ts'

export function startApi(lab: Lab): Running {
  const notes = new Map<string, string[]>()
  const memory = { seenProofs: new Set<string>(), firstAgent: new Map<string, string>() }
  let latest = new Headers()

  const answered =
    (scope: string, answer: (sub: string, request: Request) => Response | Promise<Response>) =>
    async (request: Request): Promise<Response> => {
      latest = request.headers
      try {
        return await answer(await subOf(lab, request, scope, memory), request)
      } catch (error) {
        const refused = error instanceof Refused ? error : new Refused('fault', String(error))
        lab.note({ what: 'api refused a token', because: refused.because, detail: refused.message })
        return refusal(refused)
      }
    }

  const read = answered('read', (sub) => Response.json({ notes: notes.get(sub) ?? [] }))

  const write = answered('write', async (sub, request) => {
    notes.set(sub, [...(notes.get(sub) ?? []), await request.text()])
    return new Response(null, { status: 204 })
  })

  /** A page for support that shows the headers of the latest request. Tokens leak by such pages and by logs. */
  const debug = () =>
    new Response(
      ['authorization', 'dpop']
        .filter((name) => latest.has(name))
        .map((name) => `${name}: ${latest.get(name)}\n`)
        .join(''),
    )

  return serve(lab.at.api, { '/notes': { GET: read, POST: write }, '/debug': debug })
}
