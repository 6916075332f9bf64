/** Requests to other servers as steps of the request that the recorder of the lab keeps. */
import type { Heard } from '../lib/recorder.ts'
import { OutboundError } from './error.ts'
import type { OutboundOptions, OutboundResponse } from './request.ts'

type Send = (url: string, options: OutboundOptions) => Promise<OutboundResponse>

export const recorded =
  (send: Send, recorder: Pick<Heard, 'outbound'>): Send =>
  async (url, options) => {
    const { purpose, method = 'GET', headers = {}, body } = options
    const sent = { purpose, method, url, headers, body }
    try {
      const response = await send(url, options)
      const { status, headers: answered, body: text } = response
      recorder.outbound({ ...sent, answer: { status, headers: answered, body: text } })
      return response
    } catch (error) {
      const problem = error instanceof OutboundError ? error.message : 'could not be requested'
      recorder.outbound({ ...sent, answer: { problem } })
      throw error
    }
  }
