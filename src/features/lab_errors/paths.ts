/** The paths of the pages of failed requests: what is known while none of their code is loaded. */

export const errorPath = '/lab/error'
export const errorsPath = '/lab/errors'
