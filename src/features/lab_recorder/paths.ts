/** The paths of recorded flows: what is known while none of their code is loaded. */

export const flowsPath = '/lab/flows'
export const livePath = '/lab/flows/live'
export const flowPath = '/lab/flow'
export const exportPath = '/lab/flow/export'
export const comparePath = '/lab/compare'
