/** The generation of an End-User's factors. A trusted device of an earlier generation is no longer trusted. */
import * as v from 'valibot'
import type { Random } from '../lib/random.ts'
import { defineRecord, type Memory } from './define_record.ts'

const records = defineRecord('factor_generation', v.object({ generation: v.string() }))

export const FactorGeneration = {
  /** '' before the first change. */
  of: async (memory: Memory, sub: string): Promise<string> =>
    (await records.find(memory, sub))?.generation ?? '',

  /** From now on every trusted device must prove a second factor again. */
  renew: (memory: Memory, random: Random, sub: string): Promise<void> =>
    records.put(memory, sub, { generation: random(12) }),

  forget: (memory: Memory, sub: string): Promise<unknown> => records.take(memory, sub),
}
