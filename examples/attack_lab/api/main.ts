/** The API: it keeps the notes of each person and gives them to the holder of an access token. */
import type { Lab, Running } from '../lab.ts'
import { serve } from '../serve.ts'
import { accessOf } from './token.ts'

export function startApi(lab: Lab): Running {
  const notes = new Map<string, string[]>()

  async function read(request: Request): Promise<Response> {
    const access = await accessOf(lab, request)
    if (access instanceof Response) return access
    return Response.json({ notes: notes.get(access.sub) ?? [] })
  }

  async function write(request: Request): Promise<Response> {
    const access = await accessOf(lab, request)
    if (access instanceof Response) return access
    notes.set(access.sub, [...(notes.get(access.sub) ?? []), await request.text()])
    return new Response(null, { status: 204 })
  }

  return serve(lab.at.api, { '/notes': { GET: read, POST: write } })
}
