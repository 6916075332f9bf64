/** The realm of a student. */
import { HttpError } from '../../auth/errors.ts'
import type { Context } from '../../contracts/context.ts'
import type { Realms } from '../../contracts/realms.ts'
import { begin } from '../../flow/lessons/progress.ts'
import { findLesson } from '../../flow/lessons/lessons.ts'
import { randomLetters } from '../../lib/base32.ts'
import { realClock, seconds } from '../../lib/clock.ts'
import { labPass } from '../../http/lab_pass.ts'
import type { Classroom } from '../../models/classroom.ts'
import type { RealmRecord } from '../../models/realm.ts'

/** `exists` of each endpoint asked whether there are realms. */
export function realmsOf({ realms }: Context): Realms {
  if (realms) return realms
  throw new HttpError('not_found', { expected: 'a server with REALMS' })
}

/**
 * RSA keys take long to make. A student must see no cookie of another browser that was led to this provider. Faults of the lab may be told to each address of a class; who may open its pages a pass decides.
 */
const settings = {
  LAB: 'true',
  LAB_NETWORKS: 'loopback private',
  LAB_SHOW_SECRETS: 'false',
  SIGNING_ALGS: 'ES256',
  ACCESS_TOKEN_ALG: 'ES256',
}

/** The name cannot be guessed: other students do not find the provider. */
const nameOf = ({ id }: Classroom, number: number, context: Context): string =>
  `${id}-${number}-${randomLetters(context.random, 10).slice(0, 10)}`.toLowerCase()

export async function createRealm(
  context: Context,
  classroom: Classroom,
  number: number,
): Promise<RealmRecord> {
  const record = await realmsOf(context).create({
    name: nameOf(classroom, number, context),
    // Not the name of the student: what is left of a removed realm keeps its title for a day.
    title: `Student ${number}`,
    settings,
    ends_at: classroom.exp,
    demo: true,
    classroom: classroom.id,
  })
  if (!record) throw new Error('the name of a realm is taken')
  return record
}

/** Seconds until the end of the classroom. */
export const secondsLeft = ({ clock }: Context, { exp }: Classroom): number =>
  Math.max(1, exp - seconds(realClock(clock)))

export interface Way {
  /** Of the realm. */
  basePath: string
  /** The pass to its lab. */
  cookies: string[]
}

/** The way into the realm of a student, for that student and the teacher; undefined when it is gone. */
export async function wayInto(
  context: Context,
  classroom: Classroom,
  realm: string,
): Promise<(Way & { realm: Context }) | undefined> {
  const found = await realmsOf(context).open(realm)
  if (found?.realm?.classroom !== classroom.id) return undefined
  return {
    realm: found,
    basePath: found.basePath,
    cookies: [labPass(found, secondsLeft(context, classroom))],
  }
}

export async function beginLesson(realm: Context, classroom: Classroom): Promise<void> {
  const lesson = findLesson(classroom.lesson)
  if (lesson) await begin(realm, lesson)
}

export const worksheetAt = (basePath: string, { lesson }: Classroom): string =>
  `${basePath}/lab/worksheet?${new URLSearchParams({ lesson })}`
