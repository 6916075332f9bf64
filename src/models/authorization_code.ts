/** Authorization codes. The record of the grant decides that a code is redeemed once (`code_used`). https://www.rfc-editor.org/rfc/rfc6749#section-4.1.2 */
import * as v from 'valibot'
import { sha256 } from '../lib/hash.ts'
import { openObject } from './declared.ts'
import { defineRecord, type Memory } from './define_record.ts'

const schema = openObject({
  grant_id: v.string(),
  client_id: v.string(),
  redirect_uri: v.string(),
  code_challenge: v.optional(v.string()),
  nonce: v.optional(v.string()),
  exp: v.number(),
})
const records = defineRecord('code', schema)

export interface AuthorizationCode extends v.InferOutput<typeof schema> {}

export const AuthorizationCode = {
  find: (memory: Memory, handle: string) => records.find(memory, sha256(handle)),
  put: (memory: Memory, handle: string, code: AuthorizationCode) => records.put(memory, sha256(handle), code),
}
