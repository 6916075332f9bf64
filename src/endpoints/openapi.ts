/** The API description in OpenAPI 3.1, generated from the table of endpoints. https://spec.openapis.org/oas/v3.1.0 */
import { publicJson } from '../http/reply.ts'
import { defineEndpoint } from '../contracts/endpoint.ts'
import { describeApi } from '../openapi/document.ts'

export const openapi = defineEndpoint({
  name: 'openapi',
  path: '/openapi.json',
  cors: 'any',
  advertised: false,
  get: (_call, context) =>
    publicJson(
      context.once('openapi', () => JSON.stringify(describeApi(context))),
      context.config.jwksMaxAge,
    ),
})
