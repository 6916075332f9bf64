/** The device flow of the toy provider. A line that a switch makes weak names the switch. https://www.rfc-editor.org/rfc/rfc8628 */
import { pageOf } from '../../exchanges/page.ts'
import type { Routes } from '../serve.ts'
import { random, type Toy, tokensOf } from './toy.ts'

export interface Devices {
  routes: Routes
  /** The answer of the token endpoint to a device. */
  poll(deviceCode: string): Response
}

export function toyDevice(toy: Toy): Devices {
  const { lab } = toy
  /** Device codes by user code, and those that were approved. */
  const waiting = new Map<string, string>()
  const approved = new Set<string>()

  function begin(): Response {
    const device_code = random()
    const user_code = random().slice(0, 8)
    waiting.set(user_code, device_code)
    const verification_uri = `${lab.at.door}/device`
    return Response.json({
      device_code,
      user_code,
      verification_uri,
      verification_uri_complete: `${verification_uri}?user_code=${user_code}`,
      expires_in: 600,
      interval: 1,
    })
  }

  /** approving_links: the link alone approves, without a question. "It is so convenient." */
  function device(request: Request): Response {
    const code = waiting.get(new URL(request.url).searchParams.get('user_code') ?? '')
    if (code === undefined) return pageOf(400, 'Unknown code', '', '')
    approved.add(code)
    return pageOf(200, 'Your device is connected', '', '')
  }

  function poll(deviceCode: string): Response {
    if (!approved.delete(deviceCode))
      return Response.json({ error: 'authorization_pending' }, { status: 400 })
    lab.note({ what: 'toy connected a device', sub: 'user-alice' })
    return tokensOf(toy)
  }

  return { routes: { '/device_authorization': { POST: begin }, '/device': device }, poll }
}
