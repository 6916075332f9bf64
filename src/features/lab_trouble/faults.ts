/** The table of faults. The page, the API and `latchkey try-client` show the same rows. docs/lab.md, "Trouble" */
import type { Fault } from './fault.ts'
import { faultsOfAnswers } from './faults_of_answers.ts'
import { faultsOfIdTokens } from './faults_of_id_tokens.ts'

export const faults: readonly Fault[] = [...faultsOfIdTokens, ...faultsOfAnswers]

export const faultNamed = (name: string): Fault | undefined => faults.find((each) => each.name === name)
