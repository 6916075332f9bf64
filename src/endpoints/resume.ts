/** Continues the authorization request after a page of the interaction. */
import { defineEndpoint } from '../contracts/endpoint.ts'
import { interactionOfPage, resume as goOn } from '../flow/interaction_page.ts'

export const resume = defineEndpoint({
  name: 'resume',
  path: '/authorize/resume',
  advertised: false,
  limited: true,
  page: true,
  get: async (call, context) => goOn(call, context, await interactionOfPage(call, context)),
})
