/** Who may see a board: the browser that has opened the secret link of the teacher. The secret leaves the address at once. */
import { HttpError } from '../../auth/errors.ts'
import type { Call } from '../../contracts/call.ts'
import type { Context } from '../../contracts/context.ts'
import type { Reply } from '../../contracts/reply.ts'
import { redirectWithin } from '../../http/reply.ts'
import { clientRangeOf } from '../../lib/address.ts'
import { Classroom } from '../../models/classroom.ts'
import { countAddress, requireTriesLeft } from '../../people/rate_limit.ts'
import { teacherCookie, teacherKeyOf } from './cookies.ts'
import { boardPath } from './paths.ts'

/** Wrong keys from one address in a minute. */
const wrongKeys = 30

export const boardAt = ({ basePath }: Context, { id }: Pick<Classroom, 'id'>): string =>
  `${basePath}${boardPath}?${new URLSearchParams({ room: id })}`

const unknown = () =>
  new HttpError('not_found', {
    expected: 'a classroom whose link of the teacher this browser has opened',
    problem: 'there is no such board, or this browser has not opened the link of the teacher',
  })

/** Takes the key of the link into a cookie. */
export async function enter(call: Call, context: Context, key: string): Promise<Reply> {
  await requireTriesLeft(context, 'classroom_key', clientRangeOf(call.address), wrongKeys, 60)
  const classroom = await Classroom.byTeacherKey(context, key)
  if (!classroom) {
    await countAddress(context, 'classroom_key', call.address, wrongKeys, 60)
    throw unknown()
  }
  return redirectWithin(boardAt(context, classroom), [teacherCookie(context, classroom, key)])
}

/** The classroom of this board. Throws `not_found` for all who are not its teacher. */
export async function requireTeacher(
  call: Call,
  context: Context,
  id: string | undefined,
): Promise<Classroom> {
  const key = id === undefined ? undefined : teacherKeyOf(call, context, id)
  const classroom = key === undefined ? undefined : await Classroom.byTeacherKey(context, key)
  if (classroom === undefined || classroom.id !== id) throw unknown()
  return classroom
}
