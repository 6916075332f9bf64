/** Requests to other servers as steps of the request that the recorder of the lab keeps. */
import type { Heard } from '../lib/recorder.ts'
import { OutboundError } from './error.ts'
import type { Purpose } from './purpose.ts'
import type { OutboundOptions, OutboundResponse } from './request.ts'

type Send = (url: string, options: OutboundOptions) => Promise<OutboundResponse>

/** What these say is shown. A text message has a code and a telephone number; an entry of the audit trail has names. */
const shown: ReadonlySet<Purpose> = new Set<Purpose>([
  ...(['keys', 'client_document', 'sector_identifier', 'request_object'] as const),
  ...(['logout', 'notification', 'upstream'] as const),
])

const origin = (url: string): string => URL.parse(url)?.origin ?? ''

export const recorded =
  (send: Send, recorder: Pick<Heard, 'outbound'>): Send =>
  async (url, options) => {
    const { purpose, method = 'GET', headers = {}, body } = options
    const isShown = shown.has(purpose)
    const sent = isShown
      ? { purpose, method, url, headers, body }
      : { purpose, method, url: origin(url), headers: {}, body: undefined }
    try {
      const response = await send(url, options)
      const { status, headers: answered, body: text } = response
      recorder.outbound({
        ...sent,
        answer: isShown ? { status, headers: answered, body: text } : { status, headers: {}, body: '' },
      })
      return response
    } catch (error) {
      const problem = error instanceof OutboundError ? error.message : 'could not be requested'
      recorder.outbound({ ...sent, answer: { problem } })
      throw error
    }
  }
