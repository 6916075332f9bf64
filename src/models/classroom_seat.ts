/** The seats of a classroom: as many as it has students, each with a name of its own and a realm. */
import * as v from 'valibot'
import { seconds } from '../lib/clock.ts'
import { sha256 } from '../lib/hash.ts'
import { normalize } from '../lib/normalize.ts'
import { type Classroom, inRealTime } from './classroom.ts'
import { defineRecord, type Memory } from './define_record.ts'

const schema = v.object({
  number: v.number(),
  name: v.string(),
  realm: v.string(),
  realm_id: v.string(),
  joined_at: v.number(),
  exp: v.number(),
})
const records = defineRecord('classroom_seat', schema)

/** A name that is taken: of the whole classroom, for one student. */
const names = defineRecord('classroom_name', v.object({ exp: v.number() }))

export type Seat = v.InferOutput<typeof schema>

const index = ({ id }: Pick<Classroom, 'id'>) => `classroom_roster:${id}`
/** Students that are there, and the numbers that were given. */
const present = ({ id }: Pick<Classroom, 'id'>) => `classroom_present:${id}`
const numbers = ({ id }: Pick<Classroom, 'id'>) => `classroom_numbers:${id}`
const seatId = ({ id }: Pick<Classroom, 'id'>, number: number) => `${id}:${number}`
/** A hash, because the name of a key may not be personal data. Case, width and spaces make no other name. */
const nameId = ({ id }: Pick<Classroom, 'id'>, name: string) =>
  `${id}:${sha256(normalize(name, 'NFKC').toLowerCase().replaceAll(/\s+/g, ' '))}`

/** Places that are given in all, for each seat: a teacher who removes students who joined again and again is done at some time. */
const joinsOfSeat = 10

const ttlOf = (memory: Memory, { exp }: Pick<Classroom, 'exp'>): number =>
  Math.max(1, exp * 1000 - inRealTime(memory).clock.now())

export const Seat = {
  /** The number of a free seat; undefined when the classroom is full. Of many that race, as many get one as there are. */
  async take(memory: Memory, classroom: Classroom): Promise<number | undefined> {
    const { store } = memory
    const ttl = ttlOf(memory, classroom)
    const { count } = await store.increment(present(classroom), ttl)
    if (count <= classroom.students) {
      const given = await store.increment(numbers(classroom), ttl)
      if (given.count <= classroom.students * joinsOfSeat) return given.count
    }
    await Seat.giveBack(memory, classroom)
    return undefined
  },

  /** A seat that was taken and not used, with the name that was claimed. */
  async giveBack(memory: Memory, classroom: Classroom, name?: string): Promise<void> {
    await memory.store.increment(present(classroom), 1000, -1)
    if (name !== undefined) await names.take(inRealTime(memory), nameId(classroom, name))
  },

  /** The name, or where others have it the name with the number of the student: a class of one name asks for none in turn. */
  async claimName(
    memory: Memory,
    classroom: Classroom,
    { name, number }: Pick<Seat, 'name' | 'number'>,
  ): Promise<string | undefined> {
    // A student may have chosen the name with this number.
    for (const own of [name, `${name} (${number})`, `${name} (student ${number})`, `Student ${number}`])
      if (await names.create(inRealTime(memory), nameId(classroom, own), { exp: classroom.exp })) return own
    return undefined
  },

  async add(memory: Memory, classroom: Classroom, seat: Omit<Seat, 'joined_at' | 'exp'>): Promise<void> {
    const real = inRealTime(memory)
    const record = { ...seat, joined_at: seconds(real.clock), exp: classroom.exp }
    await records.put(real, seatId(classroom, seat.number), record)
    await memory.store.link(index(classroom), `${seat.number}`, seat.number, ttlOf(memory, classroom))
  },

  find: (memory: Memory, classroom: Classroom, number: number): Promise<Seat | undefined> =>
    records.find(inRealTime(memory), seatId(classroom, number)),

  /** In the order of their numbers. */
  async list(memory: Memory, classroom: Classroom): Promise<Seat[]> {
    const members = await memory.store.range(index(classroom), { limit: classroom.students })
    const seats = await Promise.all(members.map(({ score }) => Seat.find(memory, classroom, score)))
    return seats.filter((seat) => seat !== undefined)
  },

  /** Undefined for all but one caller. */
  async remove(memory: Memory, classroom: Classroom, number: number): Promise<Seat | undefined> {
    const real = inRealTime(memory)
    const seat = await records.take(real, seatId(classroom, number))
    await memory.store.unlink(index(classroom), `${number}`)
    if (!seat) return undefined
    await Seat.giveBack(memory, classroom, seat.name)
    return seat
  },

  /** After all seats were removed. */
  async forget({ store }: Memory, classroom: Classroom): Promise<void> {
    await Promise.all([store.take(present(classroom)), store.take(numbers(classroom))])
  },
}
