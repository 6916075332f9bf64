/** All flows of the playground, one line each. */
import type { Flow } from '../flow.ts'
import { code } from './code.ts'

export const flows: readonly Flow[] = [code]

export const findFlow = (name: string | undefined): Flow | undefined =>
  flows.find((each) => each.name === name)
