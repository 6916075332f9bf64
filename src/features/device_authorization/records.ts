/** The record of a device authorization request, found by device code or by user code. https://www.rfc-editor.org/rfc/rfc8628#section-3.2 */
import * as v from 'valibot'
import type { Random } from '../../lib/random.ts'
import { sha256 } from '../../lib/hash.ts'
import { typedLetters } from '../../lib/typed_code.ts'
import { defineRecord, type Memory } from '../../models/define_record.ts'
import { GrantExtra } from '../../models/grant.ts'

const schema = v.object({
  client_id: v.string(),
  scope: v.array(v.string()),
  extra: GrantExtra,
  user_code: v.string(),
  status: v.picklist(['pending', 'approved', 'denied']),
  grant_id: v.optional(v.string()),
  /** Seconds between polls; grows each time the device polls too early (§3.5). */
  interval: v.number(),
  /** Milliseconds. */
  polled_at: v.number(),
  /** Seconds: when both codes expire. The record lives longer, so that the client gets `expired_token`. */
  expires_at: v.number(),
  exp: v.number(),
})
export const DeviceRequest = defineRecord('device', schema)
export type DeviceRequest = v.InferOutput<typeof schema>

/** What a user code adds to a request: it is in the record, and leads to it. */
export const userCodeBytes = 100

/** Seconds for which a request is kept after it expires. */
export const retention = 1200

/** Maps the hash of a user code to the id of the request. */
const byUserCode = defineRecord('device_user_code', v.object({ id: v.string(), exp: v.number() }))

/** §6.1: no vowels, so no words; no 0, 1, O or I. There are 20^8 codes, and the number of guesses is limited. */
const alphabet = 'BCDFGHJKLMNPQRSTVWXZ'

function newUserCode(random: Random): string {
  let code = ''
  while (code.length < 8)
    for (const byte of Buffer.from(random(24), 'base64url'))
      if (byte < 240 && code.length < 8) code += alphabet[byte % alphabet.length] // 240 = 12 * 20: no bias
  return `${code.slice(0, 4)}-${code.slice(4)}`
}

/** Accepts any case and width, with or without the dash. Undefined when the text cannot be a user code. */
export function readUserCode(text: string): string | undefined {
  const letters = typedLetters(text)
  return letters.length === 8 && [...letters].every((each) => alphabet.includes(each))
    ? `${letters.slice(0, 4)}-${letters.slice(4)}`
    : undefined
}

/** Stores the request under both codes. The new `user_code` differs from those of all pending requests. */
export async function begin(
  memory: Memory,
  random: Random,
  deviceCode: string,
  request: Omit<DeviceRequest, 'user_code'>,
): Promise<DeviceRequest> {
  const id = sha256(deviceCode)
  for (;;) {
    const user_code = newUserCode(random)
    if (!(await byUserCode.create(memory, sha256(user_code), { id, exp: request.expires_at }))) continue
    const record = { ...request, user_code }
    await DeviceRequest.put(memory, id, record)
    return record
  }
}

/** The request of a user code, with its id. */
export async function findByUserCode(
  memory: Memory,
  userCode: string,
): Promise<{ id: string; request: DeviceRequest } | undefined> {
  const pointer = await byUserCode.find(memory, sha256(userCode))
  const request = pointer && (await DeviceRequest.find(memory, pointer.id))
  return request && { id: pointer.id, request }
}

/** From now on the user code is unknown. */
export const forgetUserCode = (memory: Memory, userCode: string): Promise<unknown> =>
  byUserCode.take(memory, sha256(userCode))
