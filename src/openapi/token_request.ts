/** The token request of each grant type, as the grant type parses it. https://www.rfc-editor.org/rfc/rfc6749#section-3.2 */
import * as v from 'valibot'
import type { Described } from './described.ts'
import { clientForm } from './parts.ts'

export function tokenRequest({ table }: Described): v.GenericSchema {
  const ofRules = Object.assign({}, ...table.grantRules.map(({ params }) => params)) as v.ObjectEntries
  const requests = [...table.grantTypes].flatMap(([name, { params, withoutTokenRequest }]) =>
    withoutTokenRequest
      ? []
      : [clientForm(v.object({ grant_type: v.literal(name), ...ofRules, ...params?.entries }))],
  )
  return v.union(requests)
}
