/** The paths of the playground and the names of its clients: what is known while none of its code is loaded. */

export const startPath = '/lab/client'
export const runPath = '/lab/client/run'
export const callbackPath = '/lab/client/callback'
export const answerPath = '/lab/client/answer'
export const frontchannelPath = '/lab/client/frontchannel'
export const backchannelPath = '/lab/client/backchannel'

/** Of the forms of the playground. */
export const purpose = 'lab client'

export const kinds = ['public', 'logout', 'confidential', 'keys'] as const
export type LabClientKind = (typeof kinds)[number]

export const clientIdOf = (kind: LabClientKind): string => `latchkey-lab-${kind}`

export const kindOf = (clientId: string): LabClientKind | undefined =>
  kinds.find((kind) => clientIdOf(kind) === clientId)
