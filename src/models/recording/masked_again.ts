/** An exchange whose texts were each changed once more: what was found to be a secret late is taken out of what was kept before. */
import { mapText } from './map_text.ts'
import type { Exchange, ReadToken, Step } from './recorded.ts'

/** The words of this program, such as the name of an endpoint or the kind of a step, stay as they are: a secret may be the same word. */
export function maskedAgain(exchange: Exchange, again: (text: string) => string): Exchange {
  const all = <T>(value: T): T => mapText(value, { text: again }) as T
  /** The members of a JSON document were named by its sender. */
  const token = ({ header, claims }: ReadToken): ReadToken => {
    const change = { text: again, name: again }
    return { header: mapText(header, change), claims: mapText(claims, change) } as ReadToken
  }
  const step = (given: Step): Step => {
    const { kind } = given
    if (kind === 'store') return given
    if (kind === 'signed' || kind === 'verified')
      return { ...all({ ...given, token: undefined }), kind, token: given.token && token(given.token) }
    return { ...all(given), kind } as Step
  }
  const { grantType, clientId, person, request, answer, tokens, steps } = exchange
  return {
    ...exchange,
    ...all({ grantType, clientId, person, answer }),
    request: { ...all(request), method: request.method },
    tokens: tokens.map((each) => ({ where: again(each.where), token: token(each.token) })),
    steps: steps.map(step),
  }
}
