/** The response modes fragment and form_post. https://openid.net/specs/oauth-v2-multiple-response-types-1_0.html#ResponseModes */
import { check } from '../../auth/check.ts'
import { formEncode } from '../../auth/redirect_uri.ts'
import { formTarget } from '../../http/headers.ts'
import { formPostPage } from '../../html/pages.ts'
import { page } from '../../http/reply.ts'
import { defineFeature, type ResponseMode } from '../../contracts/feature.ts'

const fragment: ResponseMode = {
  name: 'fragment',
  respond: (_context, { redirect, params }) => ({
    status: 303,
    body: null,
    headers: { location: `${redirect}#${formEncode(params)}`, 'cache-control': 'no-store' },
  }),
}

/** https://openid.net/specs/oauth-v2-form-post-response-mode-1_0.html */
const formPost: ResponseMode = {
  name: 'form_post',
  respond(_context, { redirect, params }) {
    check(/^https?:/.test(redirect), 'invalid_request', () => ({
      rule: 'OAuth Form Post Response Mode §2',
      expected: 'response_mode=form_post needs a redirect_uri with http or https',
      came: redirect,
    }))
    const fields = Object.entries(params).filter((each): each is [string, string] => each[1] !== undefined)
    const html = formPostPage({ action: redirect, fields: Object.fromEntries(fields) })
    return { ...page(200, html), formTargets: formTarget(redirect) }
  },
}

export const responseModes = defineFeature({ name: 'response_modes', responseModes: [fragment, formPost] })
