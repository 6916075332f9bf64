/** Profile pictures from providers: fetched once, checked, and served from here, so that browsers send the provider no requests. */
import * as v from 'valibot'
import { HttpError } from '../../auth/errors.ts'
import type { Context } from '../../contracts/context.ts'
import { defineEndpoint } from '../../contracts/endpoint.ts'
import { image } from '../../http/reply.ts'
import { defineRecord, type Memory } from '../../models/define_record.ts'
import { User } from '../../models/user.ts'
import { sha256 } from '../../lib/hash.ts'
import { imageType, imageTypes } from '../../lib/image_type.ts'
import type { Identity } from './identity.ts'
import { idOf } from './links.ts'

const records = defineRecord('avatar', v.object({ sub: v.string(), type: v.string(), base64: v.string() }))
/** The one picture of an account: its id, and the id of the link it came from. */
const ofUser = defineRecord('user_avatar', v.object({ id: v.string(), url: v.string(), from: v.string() }))

const avatarPath = '/avatar/'
const maxBytes = 262_144
const timeoutMs = 5000
/** A browser may cache a picture: another picture has another URL. */
const cacheSeconds = 86_400

/** Pictures are too large for the cache of parsed records. */
const uncached = ({ store, clock, log }: Context): Memory => ({ store, clock, log })

/** Fetches the picture in the background if the account has none. After a failure the next sign-in tries again. */
export function fetchPictureLater(context: Context, user: User, identity: Identity): void {
  const { picture } = identity
  if (picture === undefined || user.claims.picture !== undefined) return
  fetchPicture(context, user.sub, picture, idOf(identity)).catch((error: unknown) => {
    context.log.warn('avatar_failed', { sub: user.sub, problem: (error as Error).message })
  })
}

async function fetchPicture(context: Context, sub: string, picture: string, from: string): Promise<void> {
  const answer = await context.outbound.fetch(picture, {
    purpose: 'picture',
    accept: imageTypes,
    maxBytes,
    timeoutMs,
  })
  const type = answer.status === 200 ? imageType(answer.bytes) : undefined
  if (type === undefined) throw new Error(`no image of type ${imageTypes} (status ${answer.status})`)
  const handle = context.random(24)
  const id = sha256(handle)
  const url = `${context.config.issuer}${avatarPath}${handle}`
  if (!(await ofUser.create(context, sub, { id, url, from }))) return // a concurrent sign-in stored one
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

/** Deletes the picture, and the claim `picture` if it still refers to it. With `from`, only a picture from that link. */
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

/** Pages of any origin may show the picture. */
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
        expected: 'the URL of a picture',
        problem: 'there is no such picture',
      })
    return image(
      { type: found.type, bytes: new Uint8Array(Buffer.from(found.base64, 'base64')) },
      { 'cache-control': `public, max-age=${cacheSeconds}, immutable` },
    )
  },
})
