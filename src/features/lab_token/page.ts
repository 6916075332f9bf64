/** The page of /lab/token. */
import type { Call } from '../../contracts/call.ts'
import type { Context } from '../../contracts/context.ts'
import type { Reply } from '../../contracts/reply.ts'
import { labPage, tokenForm } from '../../flow/lab_page.ts'
import { csrfToken, ensureBrowser } from '../../http/csrf.ts'
import type { Asked } from './result.ts'
import { tokenView } from './view.ts'

const { path, purpose } = tokenForm

async function pageOf(call: Call, context: Context, asked: Asked): Promise<Reply> {
  const { browser, cookies } = ensureBrowser(call, context)
  const reply = labPage(context, {
    current: path,
    title: 'Token',
    main: tokenView({
      ...asked,
      action: `${context.basePath}${path}#kind`, // the browser opens the answer at its result
      csrf: csrfToken(context, browser, purpose),
      exampleAudience: context.config.accessTokenAudience,
      // Loaded with the first token: it needs all of jose, which the page does not.
      result: asked.token === '' ? [] : await (await import('./result.ts')).resultOf(asked, context),
    }),
  })
  return { ...reply, cookies }
}

export const show = (call: Call, context: Context): Promise<Reply> =>
  pageOf(call, context, { token: '', audience: '', scope: '', keys: '' })

export function submit(
  call: Call,
  context: Context,
  { token = '', audience = '', scope = '', keys = '' }: Partial<Asked>,
): Promise<Reply> {
  return pageOf(call, context, { token, audience, scope, keys })
}
