/** The API description in OpenAPI 3.1, generated from the table when it is first asked for. https://spec.openapis.org/oas/v3.1.0 */
import { publicJson } from '../http/reply.ts'
import { wholeOf } from '../contracts/deferred_endpoint.ts'
import { defineEndpoint } from '../contracts/endpoint.ts'
import { jsonReply } from '../openapi/parts.ts'

export const openapi = defineEndpoint({
  name: 'openapi',
  path: '/openapi.json',
  cors: 'any',
  advertised: false,
  api: () => ({
    GET: {
      summary: 'This document',
      responses: { 200: jsonReply('OpenAPI 3.1', { type: 'object' }) },
    },
  }),
  async get(call, context) {
    const { describeApi } = await import('../openapi/document.ts') // brings the converter of schemas
    const { table } = context
    const existing = table.endpoints.filter(({ exists }) => exists?.(call, context) ?? true)
    const endpoints = await Promise.all(existing.map(wholeOf))
    const described = { ...context, scopes: context.openScopes, table: { ...table, endpoints } }
    return publicJson(
      context.once(`openapi of ${endpoints.length} endpoints`, () => JSON.stringify(describeApi(described))),
      context.config.jwksMaxAge,
    )
  },
})
