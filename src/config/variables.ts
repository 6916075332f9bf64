/** Every variable the core reads. Features bring theirs in the same shape. */
import type { Sections } from './entry.ts'
import { mailSections as mail } from './mail_variables.ts'
import { protocolSections as protocol } from './protocol_variables.ts'
import { serverSections as server } from './server_variables.ts'

/** As documented, in this order. */
export const sections = { ...server, ...protocol, ...mail } as const satisfies Sections

/** The same in one list. */
export const entries = Object.values(sections).flat()
