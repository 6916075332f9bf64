/** The token endpoint of the toy provider. A line that a switch makes weak names the switch. */
import type { Routes } from '../serve.ts'
import { type Toy, tokensOf } from './toy.ts'
import type { Devices } from './toy_device.ts'

export function toyToken(toy: Toy, devices: Devices): Routes {
  const { lab, codes, accessTokens, refreshTokens } = toy

  const grants: Record<string, (form: URLSearchParams) => Response> = {
    authorization_code: (form) =>
      codes.delete(form.get('code') ?? '') ? tokensOf(toy) : refused('invalid_grant'),
    refresh_token: (form) => refresh(form.get('refresh_token') ?? ''),
    'urn:ietf:params:oauth:grant-type:device_code': (form) => devices.poll(form.get('device_code') ?? ''),
  }

  /** everlasting_refresh_tokens: a refresh token is good any number of times, for each program that has it. */
  function refresh(token: string): Response {
    const used = refreshTokens.get(token)
    if (used === undefined) return refused('invalid_grant')
    refreshTokens.set(token, used + 1)
    if (used > 0) lab.note({ what: 'toy refreshed', timesBefore: used })
    return tokensOf(toy, token)
  }

  async function token(request: Request): Promise<Response> {
    const form = new URLSearchParams(await request.text())
    return grants[form.get('grant_type') ?? '']?.(form) ?? refused('unsupported_grant_type')
  }

  function userinfo(request: Request): Response {
    const [, access = ''] = /^Bearer (\S+)$/.exec(request.headers.get('authorization') ?? '') ?? []
    return accessTokens.has(access)
      ? Response.json({ sub: 'user-alice', name: 'Alice Adams', email: 'alice@example.com' })
      : refused('invalid_token', 401)
  }

  return { '/token': { POST: token }, '/userinfo': userinfo }
}

const refused = (error: string, status = 400): Response => Response.json({ error }, { status })
