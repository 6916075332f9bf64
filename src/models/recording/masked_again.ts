/** An exchange whose texts were each changed once more: what was found to be a secret late is taken out of what was kept before. */
import { mapText } from './map_text.ts'
import type { Exchange, ReadToken, Step } from './recorded.ts'

/** The words of this program, such as the name of an endpoint or the kind of a step, stay as they are: a secret may be the same word. */
export function maskedAgain(exchange: Exchange, again: (text: string) => string): Exchange {
  const all = <T>(value: T): T => mapText(value, { text: again }) as T
  const { grantType, clientId, person, request, answer, tokens, steps } = exchange
  return {
    ...exchange,
    ...all({ grantType, clientId, person, answer }),
    request: { ...all(request), method: request.method },
    tokens: tokens.map((each) => ({ where: again(each.where), token: maskedToken(each.token, again) })),
    steps: steps.map((each) => maskedStep(each, again)),
  }
}

/** The members of a JSON document were named by its sender. */
function maskedToken({ header, claims }: ReadToken, again: (text: string) => string): ReadToken {
  const change = { text: again, name: again }
  return { header: mapText(header, change), claims: mapText(claims, change) } as ReadToken
}

export function maskedStep(given: Step, again: (text: string) => string): Step {
  const all = <T>(value: T): T => mapText(value, { text: again }) as T
  const { kind, job } = given
  if (kind === 'store') return given
  if (kind === 'signed' || kind === 'verified')
    return {
      ...all({ ...given, token: undefined }),
      ...{ kind, job, whose: given.whose },
      token: given.token && maskedToken(given.token, again),
    }
  return { ...all(given), kind, job } as Step
}
