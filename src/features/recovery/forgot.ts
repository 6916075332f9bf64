/** /forgot_password: page, status and time are the same for every input. OWASP ASVS 5.0 V6.3.8 */
import forgotSource from '../../../views/forgot_password.html' with { type: 'text' }
import forgotSentSource from '../../../views/forgot_password_sent.html' with { type: 'text' }
import type { Context } from '../../contracts/context.ts'
import { defineEndpoint, type Submitted } from '../../contracts/endpoint.ts'
import { query } from '../../http/call.ts'
import type { Call } from '../../contracts/call.ts'
import { csrfToken, ensureBrowser, ownForm } from '../../http/csrf.ts'
import { page as document } from '../../html/document.ts'
import { fieldProblem } from '../../html/page_parts.ts'
import { countAddress } from '../../people/rate_limit.ts'
import { page, redirectWithin } from '../../http/reply.ts'
import type { Reply } from '../../contracts/reply.ts'
import { defineView } from '../../html/view.ts'
import { say } from '../../lib/say.ts'
import { isHandle } from '../../models/interaction.ts'
import { jobName } from './job.ts'
import { requests } from './requests.ts'

export const forgotPath = '/forgot_password'
const purpose = 'forgot_password'

const view = defineView('forgot_password', forgotSource, [
  'action',
  'csrf',
  'interaction',
  'problem',
  'invalid',
  'describedBy',
  'back',
])
const sent = defineView('forgot_password_sent', forgotSentSource, ['back'])

/** Longer than any username or address. Longer input is cut, so that the stored size is bounded. */
const longestLogin = 320

export const forgot = defineEndpoint({
  name: 'forgot_password',
  path: forgotPath,
  advertised: false,
  limited: true,
  page: true,
  get(call, context) {
    const { done, interaction } = query(call, context)
    if (done === undefined) return show(call, context, 200, interaction)
    const html = sent({ back: backTo(context, interaction) })
    return page(200, document(say('recovery.sent_title'), html))
  },
  form: ownForm(purpose, ({ path }, { interaction }) => `${path}${handleIn(interaction)}`),
  post: ask,
})

/** The query that returns to the interaction; a value that is not shaped like a handle is ignored. */
export const handleIn = (interaction: string | undefined): string =>
  isHandle(interaction) ? `?interaction=${interaction}` : ''
const backTo = (context: Context, interaction: string | undefined): string =>
  `${context.basePath}/login${handleIn(interaction)}`

function show(
  call: Call,
  context: Context,
  status: number,
  interaction: string | undefined,
  missing = false,
): Reply {
  const { browser, cookies } = ensureBrowser(call, context)
  const html = view({
    action: `${context.basePath}${forgotPath}`,
    csrf: csrfToken(context, browser, purpose),
    interaction: interaction ?? '',
    problem: missing ? fieldProblem({ id: 'login_problem', text: say('recovery.login_missing') }) : [],
    invalid: missing ? 'true' : 'false',
    describedBy: missing ? 'login_problem' : '',
    back: backTo(context, interaction),
  })
  return { ...page(status, document(say('recovery.title'), html)), cookies }
}

async function ask(call: Call, context: Context, { fields }: Submitted): Promise<Reply> {
  const { username, interaction } = fields
  const login = username?.trim().slice(0, longestLogin) ?? ''
  if (login === '') return show(call, context, 400, interaction, true)
  const { signInAttemptsPerAddress, signInWindow } = context.config
  await countAddress(context, 'recovery', call.address, signInAttemptsPerAddress, signInWindow)
  const request = { login, address: call.address, ...(isHandle(interaction) && { interaction }) }
  await requests.add(context, context.random, context.secrets.people, request)
  context.soon(jobName)
  return redirectWithin(
    `${context.basePath}${forgotPath}?done=sent${handleIn(interaction).replace('?', '&')}`,
  )
}
