/** /classroom/join: the form for the name of a student, and the seat that follows. */
import { HttpError } from '../../auth/errors.ts'
import type { Params } from '../../auth/params.ts'
import { secret } from '../../auth/refusal.ts'
import type { Call } from '../../contracts/call.ts'
import type { Context } from '../../contracts/context.ts'
import type { Reply } from '../../contracts/reply.ts'
import { shownCode } from '../../flow/classroom_links.ts'
import { labForms } from '../../flow/lab_form.ts'
import { clientRangeOf } from '../../lib/address.ts'
import { inGroups } from '../../lib/base32.ts'
import { isVisible } from '../../lib/plain_name.ts'
import { normalize } from '../../lib/normalize.ts'
import { alert, hiddenField } from '../../html/page_parts.ts'
import { defineView, type Html } from '../../html/view.ts'
import { query } from '../../http/call.ts'
import { redirectWithin } from '../../http/reply.ts'
import { Classroom, readCode } from '../../models/classroom.ts'
import { Seat } from '../../models/classroom_seat.ts'
import { countAddress, requireTriesLeft } from '../../people/rate_limit.ts'
import { seatCookie, seatKey, seatOf } from './cookies.ts'
import { classroomPage } from './frame.ts'
import { joinPath, joinPurpose } from './paths.ts'
import { beginLesson, createRealm, realmsOf, wayInto, worksheetAt } from './realms.ts'

const longestName = 40
/** Wrong codes from one address in a minute. A class may share one. */
const wrongCodes = 30

const form = defineView(
  'classroom_join',
  `{{problem}}<p>You get a provider of your own for this lesson. Your name stands on the board of the teacher, and is gone when the classroom ends.</p><form method="post" action="{{action}}">{{hidden}}{{code}}<label for="name">Your name</label><input id="name" name="name" value="{{name}}" autocomplete="nickname" spellcheck="false" maxlength="60" required><p class="actions"><button class="primary" type="submit" name="join" value="join">Join</button></p></form>`,
  ['problem', 'action', 'hidden', 'code', 'name'],
)
const codeField = defineView(
  'classroom_code',
  '<label for="code">Code of the classroom</label><input id="code" name="code" value="{{code}}" autocomplete="off" autocapitalize="none" spellcheck="false" maxlength="40" required>',
  ['code'],
)

interface Asked {
  code: string
  name: string
  problem?: string
  status?: number
}

function joinForm(call: Call, context: Context, { code, name, problem, status = 200 }: Asked): Reply {
  const { csrf_token, cookies } = labForms(call, context, joinPurpose)
  const read = readCode(code)
  const hidden: Html[] = [hiddenField({ name: 'csrf_token', value: csrf_token })]
  const page = classroomPage({
    status,
    title: 'Join the classroom',
    main: form({
      problem: problem === undefined ? [] : alert({ message: problem }),
      action: `${context.basePath}${joinPath}`,
      hidden:
        read && status !== 403
          ? [...hidden, hiddenField({ name: 'code', value: inGroups(read.code) })]
          : hidden,
      code: read && status !== 403 ? [] : codeField({ code: code.slice(0, longestName) }),
      name,
    }),
  })
  return { ...page, cookies }
}

/** A browser that has a seat goes to its worksheet, with a new pass. */
async function seated(call: Call, context: Context, id: string, key?: string): Promise<Reply | undefined> {
  const realm = seatOf(call, context, id, key)
  const classroom = realm === undefined ? undefined : await Classroom.find(context, id)
  if (realm === undefined || !classroom) return undefined
  const way = await wayInto(context, classroom, realm)
  return (
    way &&
    redirectWithin(worksheetAt(way.basePath, classroom), [
      ...way.cookies,
      seatCookie(context, classroom, realm),
    ])
  )
}

export async function show(call: Call, context: Context): Promise<Reply> {
  const { code = '', seat } = query(call, context)
  const read = readCode(code)
  return (read && (await seated(call, context, read.id, seat))) ?? joinForm(call, context, { code, name: '' })
}

/** Undefined for what is no name: empty, too long, or with characters that mislead the reader of the board. */
function readName(given: string): string | undefined {
  const name = normalize(given.slice(0, 400), 'NFC').trim().replaceAll(/\s+/g, ' ')
  return isVisible(name) && Array.from(name).length <= longestName ? name : undefined
}

export async function submit(call: Call, context: Context, fields: Params): Promise<Reply> {
  const { code = '', name: given = '' } = fields
  await requireTriesLeft(context, 'classroom_code', clientRangeOf(call.address), wrongCodes, 60)
  const classroom = await Classroom.byCode(context, code)
  if (!classroom) {
    await countAddress(context, 'classroom_code', call.address, wrongCodes, 60)
    context.log.info('classroom_code_wrong', { address: call.address, came: secret(code) })
    const problem = 'This is not the code of a classroom, or the classroom has ended. Ask your teacher.'
    return joinForm(call, context, { code, name: given, problem, status: 403 })
  }
  const again = await seated(call, context, classroom.id)
  if (again) return again
  const name = readName(given)
  if (name === undefined) {
    const problem = `Enter a name of 1 to ${longestName} characters, without invisible ones.`
    return joinForm(call, context, { code, name: '', problem, status: 400 })
  }
  await countAddress(context, 'classroom_join', call.address, context.config.labJoinsPerMinute, 60)
  const number = await Seat.take(context, classroom)
  if (number !== undefined) return sit(context, classroom, { name, number })
  const problem = `All ${classroom.students} seats are taken. Ask your teacher, who can free one.`
  return joinForm(call, context, { code, name, problem, status: 409 })
}

/** A seat without a realm would stay taken, and so would its name. */
async function sit(
  context: Context,
  classroom: Classroom,
  { name, number }: { name: string; number: number },
): Promise<Reply> {
  let own: string | undefined
  let realm: string | undefined
  try {
    own = await Seat.claimName(context, classroom, { name, number })
    if (own === undefined) throw new HttpError('conflict', { expected: 'a name that is free' })
    const record = await createRealm(context, classroom, number)
    realm = record.name
    const way = await wayInto(context, classroom, realm)
    if (!way) throw new HttpError('temporarily_unavailable', { expected: 'the provider of the student' })
    await beginLesson(way.realm, classroom)
    await Seat.add(context, classroom, { number, name: own, realm, realm_id: record.id })
    // The end of a classroom removes the realms that exist at that moment, and this one may have been made after it.
    if (!(await Classroom.find(context, classroom.id)))
      throw new HttpError('not_found', {
        expected: 'a classroom that goes on',
        problem: 'the classroom has ended',
      })
    context.log.info('classroom_joined', { classroom: classroom.id, number, realm })
    const seat = seatKey(context, classroom, realm)
    const reply = redirectWithin(worksheetAt(way.basePath, classroom), [
      ...way.cookies,
      seatCookie(context, classroom, realm),
    ])
    // Of a double click the browser takes the second answer, which needs the cookies too.
    const again = new URLSearchParams({ code: shownCode(classroom), seat })
    return { ...reply, again: `${context.basePath}${joinPath}?${again}` }
  } catch (error) {
    if (realm !== undefined) await realmsOf(context).remove(realm)
    const removed = await Seat.remove(context, classroom, number)
    if (!removed) await Seat.giveBack(context, classroom, own)
    throw error
  }
}
