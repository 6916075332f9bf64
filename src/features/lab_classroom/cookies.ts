/** Cookies of classrooms: sent to their pages alone, so that the recorder of no student sees them. */
import type { Config } from '../../config.ts'
import type { Call } from '../../contracts/call.ts'
import type { Context } from '../../contracts/context.ts'
import { cookieName, readCookie, setCookie } from '../../http/cookie.ts'
import { isMacOf, macOf } from '../../lib/secret_keys.ts'
import type { Classroom } from '../../models/classroom.ts'
import { secondsLeft } from './realms.ts'

const ofClassrooms = (config: Config): Config => ({ ...config, issuer: `${config.issuer}/classroom` })

const isId = (text: string): boolean => /^[A-Z2-7]{4}$/.test(text)

const read = (call: Call, { config }: Context, kind: 'seat' | 'teacher', id: string): string | undefined =>
  isId(id) ? readCookie(call, cookieName(ofClassrooms(config), `${kind}_${id}`)) : undefined

const write = (context: Context, kind: 'seat' | 'teacher', classroom: Classroom, value: string): string =>
  setCookie(
    ofClassrooms(context.config),
    `${kind}_${classroom.id}`,
    value,
    value === '' ? 0 : secondsLeft(context, classroom),
  )

/** No form has this purpose. */
const seatText = (id: string, realm: string): string => `classroom seat\n${id} ${realm}`

/** What proves a seat: in the cookie of a browser that has joined, and in a link of the teacher for another one. */
export const seatKey = ({ secrets }: Context, { id }: Classroom, realm: string): string =>
  `${realm}.${macOf(secrets.csrf, seatText(id, realm))}`

/** By which a browser that has joined finds its realm again. */
export const seatCookie = (context: Context, classroom: Classroom, realm: string): string =>
  write(context, 'seat', classroom, seatKey(context, classroom, realm))

/** The name of the realm, by the key that was `given` or by the cookie; undefined for a browser without a seat there. */
export function seatOf(call: Call, context: Context, id: string, given?: string): string | undefined {
  const [realm, mac] = (given ?? read(call, context, 'seat', id) ?? '').split('.')
  const isOwn =
    realm !== undefined && mac !== undefined && isMacOf(context.secrets.csrf, seatText(id, realm), mac)
  return isOwn ? realm : undefined
}

/** With the key of the teacher's link. */
export const teacherCookie = (context: Context, classroom: Classroom, key: string): string =>
  write(context, 'teacher', classroom, key)

export const teacherKeyOf = (call: Call, context: Context, id: string): string | undefined =>
  read(call, context, 'teacher', id)
