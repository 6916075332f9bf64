/** What /openapi.json says of paths that are no pages of their own. https://spec.openapis.org/oas/v3.1.0 */
import { formBody, object, type Operations, page, pageTroubles, seeOther, text } from '../../openapi/parts.ts'

/** A form of ours that leads away. */
export const ownPost = (summary: string): Operations => ({
  POST: {
    summary,
    description: 'Internal: a form of ours. No client calls this.',
    requestBody: formBody(object({ csrf_token: text('From the form') }, ['csrf_token'])),
    responses: { 303: seeOther('To the provider'), ...pageTroubles, 403: page('The form was not ours') },
  },
})

const named = (description: string) => [
  { name: 'file', in: 'path', required: true, schema: text(description) },
]
const upstreamId = named('The id of the provider')

const answer = { 303: seeOther('On the way the person was on'), ...pageTroubles }

/** Where a provider sends the browser back to. */
export const callbackApi: Operations = {
  GET: { summary: 'Come back from a provider', parameters: upstreamId, responses: answer },
  POST: {
    summary: 'Come back from a provider that answers by a form',
    parameters: upstreamId,
    requestBody: formBody(
      object({ state: text('As it was sent'), code: text('For the provider') }, ['state']),
    ),
    responses: answer,
  },
}

/** Pictures. */
export const imageApi: Operations = {
  GET: {
    summary: 'The picture of a person, by an id nobody can guess',
    parameters: named('The id'),
    responses: {
      200: { description: 'The picture', content: { 'image/*': { schema: { type: 'string' } } } },
      404: page('There is no such picture'),
    },
  },
}
