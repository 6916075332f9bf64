/** Answers of a handler that are no success. */
import { Unavailable } from '../api/ask.ts'

export class Answer extends Error {
  override readonly name = 'Answer'
  readonly status: number
  readonly code: string
  /** `why` is for the log. */
  constructor(status: number, code: string, why = code) {
    super(why)
    this.status = status
    this.code = code
  }
}

/** What the service behind answered, for the caller of this one. That it refuses us is no fault of the caller. */
export async function passedOn(answer: Response): Promise<Response> {
  if (answer.ok) return new Response(await answer.text(), { status: answer.status, headers: json })
  await answer.body?.cancel()
  if (answer.status === 409) throw new Answer(409, 'conflict', `the service behind answered 409`)
  if (answer.status === 503 || answer.status === 429)
    throw new Unavailable(`the service behind answered ${answer.status}`)
  throw new Answer(502, 'bad_gateway', `the service behind answered ${answer.status}`)
}

const json = { 'content-type': 'application/json' }
