/** Pictures that providers have of people: fetched once, looked at, and served from here, so that nobody's browser asks the provider. */
import * as v from 'valibot'
import { HttpError } from '../../auth/errors.ts'
import type { Context } from '../../contracts/context.ts'
import { defineEndpoint } from '../../contracts/endpoint.ts'
import { defineRecord, type Memory } from '../../models/define_record.ts'
import { User } from '../../models/user.ts'
import { sha256 } from '../../lib/hash.ts'
import type { Identity } from './identity.ts'
import { idOf } from './links.ts'

const records = defineRecord('avatar', v.object({ sub: v.string(), type: v.string(), base64: v.string() }))
/** One picture a person: its id, and the connection it came by. */
const ofUser = defineRecord('user_avatar', v.object({ id: v.string(), url: v.string(), from: v.string() }))

const avatarPath = '/avatar/'
/** Bytes. */
const largest = 262_144
/** Milliseconds, with nobody waiting. */
const timeoutMs = 5000
/** Seconds a browser may keep one: another picture has another address. */
const keptFor = 86_400

/** Large texts are not for the cache of parsed records. */
const uncached = ({ store, clock, log }: Context): Memory => ({ store, clock, log })

/** What begins so is that, whatever its server calls it. No SVG: it is a document that can hold scripts. */
const signatures: readonly (readonly [type: string, begins: RegExp])[] = [
  ['image/png', /^\x89PNG\r\n\x1a\n/],
  ['image/jpeg', /^\xff\xd8\xff/],
  ['image/gif', /^GIF8[79]a/],
  ['image/webp', /^RIFF[\s\S]{4}WEBP/],
]
const headLength = 16

/** The type by the first bytes; undefined for anything that is no picture of a kind we serve. */
function imageType(bytes: Uint8Array): string | undefined {
  const head = Buffer.from(bytes.subarray(0, headLength)).toString('latin1')
  return signatures.find(([, begins]) => begins.test(head))?.[0]
}

/** Fetches it when the person has none, without anybody waiting for it; the next sign-in tries again. */
export function bringPicture(context: Context, user: User, identity: Identity): void {
  const { picture } = identity
  if (picture === undefined || user.claims.picture !== undefined) return
  fetchPicture(context, user.sub, picture, idOf(identity)).catch((error: unknown) => {
    context.log.warn('avatar_failed', { sub: user.sub, problem: (error as Error).message })
  })
}

async function fetchPicture(context: Context, sub: string, picture: string, from: string): Promise<void> {
  const types = signatures.map(([type]) => type).join(', ')
  const answer = await context.outbound.fetch(picture, { accept: types, maxBytes: largest, timeoutMs })
  const type = answer.status === 200 ? imageType(answer.bytes) : undefined
  if (type === undefined) throw new Error(`status ${answer.status}, and no picture of a kind that is served`)
  const handle = context.random(24)
  const id = sha256(handle)
  const url = `${context.config.issuer}${avatarPath}${handle}`
  if (!(await ofUser.create(context, sub, { id, url, from }))) return // another sign-in at the same moment
  await records.put(uncached(context), id, {
    sub,
    type,
    base64: Buffer.from(answer.bytes).toString('base64'),
  })
  const user = await User.update(context, sub, (current) => ({
    ...current,
    claims: { picture: url, ...current.claims },
  }))
  if (user?.claims.picture !== url) await erasePicture(context, sub)
}

/** Takes it away, from the claims too where it still stands there. With `from`, only what came by that connection. */
export async function erasePicture(context: Context, sub: string, from?: string): Promise<void> {
  if (from !== undefined && (await ofUser.find(context, sub))?.from !== from) return
  const kept = await ofUser.take(context, sub)
  if (!kept) return
  await records.take(uncached(context), kept.id)
  await User.update(context, sub, (current) => {
    const { picture, ...claims } = current.claims
    return picture === kept.url ? { ...current, claims } : current
  })
}

/** The picture alone: nothing in it can run or load anything, and any page may show it. */
export const avatar = defineEndpoint({
  name: 'avatar',
  path: `${avatarPath}*`,
  advertised: false,
  limited: true,
  page: true,
  async get(call, context) {
    const found = await records.find(uncached(context), sha256(call.path.slice(avatarPath.length)))
    if (!found)
      throw new HttpError('not_found', {
        expected: 'the address of a picture',
        problem: 'there is no such picture',
      })
    return {
      status: 200,
      body: new Uint8Array(Buffer.from(found.base64, 'base64')),
      headers: {
        'content-type': found.type,
        'cache-control': `public, max-age=${keptFor}, immutable`,
        'content-security-policy': "default-src 'none'; sandbox",
        'cross-origin-resource-policy': 'cross-origin',
      },
    }
  },
})
