/** The end of every way to sign in: further steps first, then a session under a new cookie. */
import type { Context } from '../context.ts'
import type { Call } from '../http/call.ts'
import { findClient } from '../http/client_authentication.ts'
import { rememberBrowser } from '../http/known_browser.ts'
import { redirectWithin, type Reply } from '../http/reply.ts'
import { beginSession } from '../http/session.ts'
import { Interaction } from '../models/interaction.ts'
import type { User } from '../models/user.ts'
import type { Going } from './authorization_flow.ts'
import { resumePath } from './interaction_page.ts'

/** `amr` by RFC 8176: what truly happened, all factors so far. */
export async function signIn(
  call: Call,
  context: Context,
  going: Going,
  done: { user: User; amr: string[]; acr?: string },
): Promise<Reply> {
  const { user, amr } = done
  const clientId = going.interaction.params?.client_id
  const client = clientId === undefined ? undefined : await findClient(context, clientId)
  for (const step of context.table.loginSteps) {
    const path = await step.path(context, { user, amr, client })
    if (path === undefined) continue
    await Interaction.update(context, going.handle, (current) => ({
      ...current,
      pending: { sub: user.sub, amr, at: context.clock.now() },
    }))
    return redirectWithin(`${context.basePath}${path}?interaction=${going.handle}`)
  }
  const { cookies } = await beginSession(call, context, {
    sub: user.sub,
    amr,
    acr: done.acr ?? context.acrValues[0]!,
  })
  context.log.info('signed_in', { sub: user.sub, amr: amr.join(' '), address: call.address })
  return redirectWithin(resumePath(context, going.handle), [
    ...cookies,
    ...rememberBrowser(call, context, user.username),
  ])
}
