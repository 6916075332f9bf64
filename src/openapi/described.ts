/** The input of the OpenAPI document. `Context` has this shape; the types are repeated here because this folder is on a floor below it. */
import type { MethodMembers } from '../lib/http_method.ts'
import type { ObjectShape, Operations } from './parts.ts'
import type * as v from 'valibot'

/** What an endpoint says of its methods; false when only pages of this provider load or call it. */
export type Api = ((described: Described) => Operations) | false

export interface DescribedEndpoint extends MethodMembers<unknown> {
  name: string
  path: string
  aliases?: readonly string[]
  page?: boolean
  limited?: true | 'by_proof'
  api?: Api
}

export interface Described {
  config: { issuer: string }
  /** Undefined for the server itself. */
  realm?: { name: string } | undefined
  scopes: readonly string[]
  table: {
    endpoints: readonly DescribedEndpoint[]
    grantTypes: ReadonlyMap<string, { params?: ObjectShape; withoutTokenRequest?: true }>
    grantRules: readonly { params?: v.ObjectEntries }[]
    authorizationParameters: readonly { name: string; schema: v.GenericSchema<string> }[]
    subjectTypes: ReadonlyMap<string, unknown>
    responseTypes: ReadonlyMap<string, unknown>
    responseModes: ReadonlyMap<string, unknown>
    clientAuth: ReadonlyMap<string, unknown>
    requestSources: readonly { parameter: string }[]
    clientMetadata: v.ObjectEntries
  }
}
