/** All checks of `latchkey examine`, in the order of the report. */
import { abilityChecks } from './ability_checks.ts'
import type { Check } from './check.ts'
import { connectionChecks } from './connection_checks.ts'
import { errorChecks } from './error_checks.ts'
import { flowChecks } from './flow_checks.ts'
import { headerChecks } from './header_checks.ts'
import { keyChecks } from './key_checks.ts'
import { metadataChecks } from './metadata_checks.ts'

export const checks: readonly Check[] = [
  ...metadataChecks,
  ...abilityChecks,
  ...keyChecks,
  ...flowChecks,
  ...errorChecks,
  ...headerChecks,
  ...connectionChecks,
]
