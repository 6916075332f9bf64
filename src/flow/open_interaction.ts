/** An interaction that this browser may go on with, together with its handle. */
import type { Interaction } from '../models/interaction.ts'

export interface OpenInteraction {
  handle: string
  interaction: Interaction
}
