/** All variables of the core. Features have entries of the same type. */
import { auditSections as audit } from './audit_variables.ts'
import type { Sections } from './entry.ts'
import { labVariables as lab } from './lab_variables.ts'
import { mailSections as mail } from './mail_variables.ts'
import { protocolSections as protocol } from './protocol_variables.ts'
import { secretSourceSections as places } from './secret_source_variables.ts'
import { serverSections as server } from './server_variables.ts'
import { tracingSections as tracing } from './tracing_variables.ts'

/** In the order of the documentation. */
export const sections = {
  ...server,
  ...tracing,
  ...protocol,
  ...mail,
  ...audit,
  ...lab,
  ...places,
} as const satisfies Sections

/** All entries in one list. */
export const entries = Object.values(sections).flat()
