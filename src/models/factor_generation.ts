/** A name for the set of factors a person has now: whatever was proven to an earlier set is worth nothing. */
import * as v from 'valibot'
import type { Random } from '../lib/random.ts'
import { defineRecord, type Memory } from './define_record.ts'

const records = defineRecord('factor_generation', v.object({ generation: v.string() }))

export const FactorGeneration = {
  /** '' before the first change. */
  of: async (memory: Memory, sub: string): Promise<string> =>
    (await records.find(memory, sub))?.generation ?? '',

  /** Every trusted device is asked again. */
  renew: (memory: Memory, random: Random, sub: string): Promise<void> =>
    records.put(memory, sub, { generation: random(12) }),

  forget: (memory: Memory, sub: string): Promise<unknown> => records.take(memory, sub),
}
