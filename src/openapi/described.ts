/** What the OpenAPI document is written from. `Context` has this shape; naming the members here keeps the room below it. */
import type { MethodMembers } from '../lib/http_method.ts'
import type { Operations } from './parts.ts'

export interface DescribedEndpoint extends MethodMembers<unknown> {
  name: string
  path: string
  aliases?: readonly string[]
  page?: boolean
  limited?: boolean
  api?: Operations | false
}

export interface Described {
  config: { issuer: string }
  scopes: readonly string[]
  table: {
    endpoints: readonly DescribedEndpoint[]
    grantTypes: ReadonlyMap<string, unknown>
    responseTypes: ReadonlyMap<string, unknown>
    responseModes: ReadonlyMap<string, unknown>
    clientAuth: ReadonlyMap<string, unknown>
    requestSources: readonly { parameter: string }[]
    clientMetadata: Readonly<Record<string, unknown>>
  }
}
