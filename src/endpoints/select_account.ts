/** The page for prompt=select_account: continue with the signed-in account or with another one. https://openid.net/specs/openid-connect-core-1_0.html#AuthRequest */
import type { Context } from '../contracts/context.ts'
import type { Call } from '../contracts/call.ts'
import { findClient } from '../clients/find_client.ts'
import { imageSources } from '../html/client_parts.ts'
import { clientOfSignIn } from '../http/client_words.ts'
import { formTarget } from '../http/headers.ts'
import { selectAccountPage } from '../html/pages.ts'
import { shownPerson } from '../people/shown_person.ts'
import { page, redirectWithin } from '../http/reply.ts'
import type { Reply } from '../contracts/reply.ts'
import { currentSession } from '../http/session.ts'
import { Interaction } from '../models/interaction.ts'
import { User } from '../models/user.ts'
import { defineEndpoint } from '../contracts/endpoint.ts'
import {
  formFields,
  interactionForm,
  interactionOfPage,
  otherAccountPath,
  resumePath,
} from '../flow/interaction_page.ts'

export const selectAccount = defineEndpoint({
  name: 'select_account',
  path: '/select_account',
  advertised: false,
  limited: true,
  page: true,
  get: show,
  form: interactionForm('select_account'),
  async post(_call, context, { fields, handle }) {
    if (fields.continue === undefined) return redirectWithin(otherAccountPath(context, handle))
    await Interaction.update(context, handle, (current) => ({ ...current, account_chosen: true }))
    return redirectWithin(resumePath(context, handle))
  },
})

async function show(call: Call, context: Context): Promise<Reply> {
  const { handle, interaction } = await interactionOfPage(call, context)
  const session = await currentSession(call, context)
  const user = session && (await User.find(context, session.sub))
  if (!user) return redirectWithin(`${context.basePath}/login?interaction=${handle}`)
  const { client_id, redirect_uri } = interaction.params ?? {}
  const client = client_id === undefined ? undefined : await findClient(context, client_id)
  const shown = client ? clientOfSignIn(client, redirect_uri, call, context) : {}
  const html = selectAccountPage({
    ...formFields(call, context, 'select_account', handle),
    ...shown,
    ...shownPerson(user, context),
  })
  return {
    ...page(200, html),
    imageSources: imageSources(shown),
    formTargets: redirect_uri === undefined ? [] : formTarget(redirect_uri),
  }
}
