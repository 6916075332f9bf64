/** /lab/token: any token, read and verified, and whether it would pass at an API. docs/lab.md */
import type { Call } from '../../contracts/call.ts'
import type { Context } from '../../contracts/context.ts'
import { defineEndpoint } from '../../contracts/endpoint.ts'
import { defineFeature } from '../../contracts/feature.ts'
import type { Reply } from '../../contracts/reply.ts'
import { labPage, tokenForm } from '../../flow/lab_page.ts'
import { csrfToken, ensureBrowser, ownForm } from '../../http/csrf.ts'
import { labExists } from '../../http/lab_exists.ts'
import type { Asked } from './result.ts'
import { tokenView } from './view.ts'

const { path, purpose } = tokenForm
const nothing: Asked = { token: '', audience: '', scope: '', keys: '' }

async function show(call: Call, context: Context, asked: Asked): Promise<Reply> {
  const { browser, cookies } = ensureBrowser(call, context)
  const reply = labPage(context, {
    current: path,
    title: 'Token',
    main: tokenView({
      ...asked,
      action: `${context.basePath}${path}#kind`, // the browser opens the answer at its result
      csrf: csrfToken(context, browser, purpose),
      exampleAudience: context.config.accessTokenAudience,
      // Loaded with the first token: it needs all of jose, which a start does not.
      result: asked.token === '' ? [] : await (await import('./result.ts')).resultOf(asked, context),
    }),
  })
  return { ...reply, cookies }
}

const page = defineEndpoint({
  name: 'lab_token',
  path,
  advertised: false,
  limited: true,
  page: true,
  exists: labExists,
  labMenu: {
    order: 30,
    icon: 'key-round',
    title: 'Token',
    about: 'Paste a token: it is decoded, verified and judged as an API would judge it.',
  },
  get: (call, context) => show(call, context, nothing),
  form: ownForm(purpose),
  post: (call, context, { fields }) => {
    const { token = '', audience = '', scope = '', keys = '' } = fields
    return show(call, context, { token, audience, scope, keys })
  },
})

export const labToken = defineFeature({
  name: 'lab_token',
  when: ({ lab }) => lab,
  endpoints: [page],
})
