/** A classroom: until when, for how many students, and by which secrets it is entered. docs/decisions/0101-classrooms.md */
import * as v from 'valibot'
import { randomLetters } from '../lib/base32.ts'
import { realClock, seconds } from '../lib/clock.ts'
import { equalInConstantTime } from '../lib/equal.ts'
import { sha256 } from '../lib/hash.ts'
import type { Random } from '../lib/random.ts'
import { typedBase32 } from '../lib/typed_code.ts'
import { defineRecord, type Memory } from './define_record.ts'

const schema = v.object({
  id: v.string(),
  lesson: v.string(),
  /** Seats. */
  students: v.number(),
  created_at: v.number(),
  /** The end, in seconds by the clock of the machine. */
  exp: v.number(),
  /** What students type; all of them know it. */
  code: v.string(),
  teacher_hash: v.string(),
})
const records = defineRecord('classroom', schema)

export type Classroom = v.InferOutput<typeof schema>

/** Begins and ends by the clock of the machine, wherever the lab has moved that of the server. */
export const inRealTime = <M extends Memory>(memory: M): M =>
  memory.clock.lab ? { ...memory, clock: realClock(memory.clock) } : memory

/** The first letters name the classroom, the others are the secret: 40 bits, whose guesses are counted. */
const idLength = 4
const codeLength = 12

const letters = (random: Random, length: number): string =>
  randomLetters(random, 5 * Math.ceil(length / 8)).slice(0, length)

/** The id that a typed code names; undefined for what cannot be a code. */
export function readCode(typed: string): { id: string; code: string } | undefined {
  const code = typedBase32(typed)
  return code.length === codeLength ? { id: code.slice(0, idLength), code } : undefined
}

/** `ID.SECRET`, of the link of the teacher. */
function readTeacherKey(key: string): { id: string; secret: string } | undefined {
  const [, id, secret] = /^([A-Z2-7]{4})\.([\w-]{32})$/.exec(key) ?? []
  return id !== undefined && secret !== undefined ? { id, secret } : undefined
}

export interface NewClassroom {
  lesson: string
  students: number
  hours: number
}

export interface MadeClassroom {
  classroom: Classroom
  teacherKey: string
}

/** Ids are short, so that one may be taken. */
const mostAttempts = 20

export const Classroom = {
  async create(
    given: Memory,
    random: Random,
    { lesson, students, hours }: NewClassroom,
  ): Promise<MadeClassroom> {
    const memory = inRealTime(given)
    const now = seconds(memory.clock)
    const secret = random(24)
    for (let attempt = 0; attempt < mostAttempts; attempt++) {
      const code = letters(random, codeLength)
      const id = code.slice(0, idLength)
      const classroom: Classroom = {
        id,
        lesson,
        students,
        created_at: now,
        exp: now + Math.round(hours * 3600),
        code,
        teacher_hash: sha256(secret),
      }
      if (await records.create(memory, id, classroom)) return { classroom, teacherKey: `${id}.${secret}` }
    }
    throw new Error('no id of a classroom is free')
  },

  find: (memory: Memory, id: string): Promise<Classroom | undefined> =>
    /^[A-Z2-7]{4}$/.test(id) ? records.find(inRealTime(memory), id) : Promise.resolve(undefined),

  /** The classroom that the code opens. */
  async byCode(memory: Memory, typed: string): Promise<Classroom | undefined> {
    const read = readCode(typed)
    const classroom = read && (await Classroom.find(memory, read.id))
    return classroom && equalInConstantTime(read.code, classroom.code) ? classroom : undefined
  },

  async byTeacherKey(memory: Memory, key: string): Promise<Classroom | undefined> {
    const read = readTeacherKey(key)
    const classroom = read && (await Classroom.find(memory, read.id))
    return classroom && equalInConstantTime(sha256(read.secret), classroom.teacher_hash)
      ? classroom
      : undefined
  },

  /** For one caller. */
  end: (memory: Memory, id: string): Promise<Classroom | undefined> => records.take(inRealTime(memory), id),
}
