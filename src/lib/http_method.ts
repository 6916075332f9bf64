/** The methods that endpoints answer, and which of them one endpoint has. https://www.rfc-editor.org/rfc/rfc9110#section-9 */

/** The member of an endpoint that answers each method. */
export const memberOf = { GET: 'get', POST: 'post', PUT: 'put', PATCH: 'patch', DELETE: 'delete' } as const

export type HttpMethod = keyof typeof memberOf

/** What an endpoint has for each method. */
export type MethodMembers<T> = { [K in HttpMethod as (typeof memberOf)[K]]?: T }

/** Method and answer, in the order in which `Allow` names them. */
export const answersOf = <T>(endpoint: MethodMembers<T>): [HttpMethod, T][] =>
  (Object.keys(memberOf) as HttpMethod[]).flatMap((method): [HttpMethod, T][] => {
    const answer = endpoint[memberOf[method]]
    return answer === undefined ? [] : [[method, answer]]
  })

export const methodsOf = (endpoint: MethodMembers<unknown>): HttpMethod[] =>
  answersOf(endpoint).map(([method]) => method)
