/** When the store was last backed up by `latchkey backup`, for checks and for a schedule that several instances share. docs/operations.md, "Backup" */
import * as v from 'valibot'
import { defineRecord, type Memory } from './define_record.ts'

const schema = v.object({
  /** Seconds. */
  made_at: v.number(),
  contents: v.picklist(['everything', 'configuration']),
})
const records = defineRecord('last_backup', schema)

export interface LastBackup extends v.InferOutput<typeof schema> {}

/** A backup of the configuration alone leaves the record of one of everything in place, because it replaces none. */
export const LastBackup = {
  find: (memory: Memory, contents: LastBackup['contents'] = 'everything'): Promise<LastBackup | undefined> =>
    records.find(memory, contents),
  put: (memory: Memory, made: LastBackup): Promise<void> => records.put(memory, made.contents, made),
}
