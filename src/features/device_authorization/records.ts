/** What is remembered of a device that waits: under its own code, and under the code a person types. https://www.rfc-editor.org/rfc/rfc8628#section-3.2 */
import * as v from 'valibot'
import type { Random } from '../../lib/random.ts'
import { sha256 } from '../../lib/hash.ts'
import { defineRecord, type Memory } from '../../models/define_record.ts'
import { GrantExtra } from '../../models/grant.ts'

const schema = v.object({
  client_id: v.string(),
  scope: v.array(v.string()),
  extra: GrantExtra,
  user_code: v.string(),
  status: v.picklist(['pending', 'approved', 'denied']),
  grant_id: v.optional(v.string()),
  /** Seconds between polls; grows with impatience (§3.5). */
  interval: v.number(),
  /** Milliseconds. */
  polled_at: v.number(),
  exp: v.number(),
})
export const Waiting = defineRecord('device', schema)
export type Waiting = v.InferOutput<typeof schema>

/** Points from the hash of a user code to the record of its device. */
const byUserCode = defineRecord('device_user_code', v.object({ id: v.string(), exp: v.number() }))

/** §6.1: no vowels, so no words; no 0, 1, O or I. 20^8 codes against a counted number of tries. */
const alphabet = 'BCDFGHJKLMNPQRSTVWXZ'

function newUserCode(random: Random): string {
  let code = ''
  while (code.length < 8)
    for (const byte of Buffer.from(random(24), 'base64url'))
      if (byte < 240 && code.length < 8) code += alphabet[byte % alphabet.length] // 240 = 12 * 20: no bias
  return `${code.slice(0, 4)}-${code.slice(4)}`
}

/** As people type it: any case, with or without the dash. Undefined when it cannot be one. */
export function readUserCode(text: string): string | undefined {
  const letters = text.toUpperCase().replace(/[^A-Z]/g, '')
  return letters.length === 8 && [...letters].every((each) => alphabet.includes(each))
    ? `${letters.slice(0, 4)}-${letters.slice(4)}`
    : undefined
}

/** Remembers the device under both codes; `user_code` of the record is made here, distinct from all that wait. */
export async function begin(
  memory: Memory,
  random: Random,
  deviceCode: string,
  waiting: Omit<Waiting, 'user_code'>,
): Promise<Waiting> {
  const id = sha256(deviceCode)
  for (;;) {
    const user_code = newUserCode(random)
    if (!(await byUserCode.create(memory, sha256(user_code), { id, exp: waiting.exp }))) continue
    const record = { ...waiting, user_code }
    await Waiting.put(memory, id, record)
    return record
  }
}

/** The device a person means, with the id of its record. */
export async function findByUserCode(
  memory: Memory,
  userCode: string,
): Promise<{ id: string; waiting: Waiting } | undefined> {
  const pointer = await byUserCode.find(memory, sha256(userCode))
  const waiting = pointer && (await Waiting.find(memory, pointer.id))
  return waiting && { id: pointer.id, waiting }
}

/** The code can be typed no longer. */
export const forgetUserCode = (memory: Memory, userCode: string): Promise<unknown> =>
  byUserCode.take(memory, sha256(userCode))
