/** What went wrong, in one sentence for a page or a terminal. https://github.com/panva/openid-client */
import { AuthorizationResponseError, ResponseBodyError, WWWAuthenticateChallengeError } from 'openid-client'

/** The words of the provider come first: its error and its description say more than the library knows. */
export function causeOf(error: unknown): string {
  if (error instanceof AuthorizationResponseError || error instanceof ResponseBodyError)
    return [error.error, error.error_description].filter(Boolean).join(': ')
  if (error instanceof WWWAuthenticateChallengeError) {
    const [challenge] = error.cause
    const { error: code, error_description } = challenge?.parameters ?? {}
    return [code ?? `the answer has status ${error.status}`, error_description].filter(Boolean).join(': ')
  }
  if (!(error instanceof Error)) return String(error)
  const { cause } = error
  return cause instanceof Error && cause.message !== error.message
    ? `${error.message}: ${cause.message}`
    : error.message
}

/** The page of the provider that explains the error, if the provider sent one. Another site is not linked to. */
export function explanationOf(error: unknown, issuer: string): string | undefined {
  if (!(error instanceof AuthorizationResponseError || error instanceof ResponseBodyError)) return undefined
  const from =
    error instanceof AuthorizationResponseError ? error.cause.get('error_uri') : error.cause.error_uri
  const url = typeof from === 'string' ? URL.parse(from) : null
  return url?.origin === new URL(issuer).origin ? url.href : undefined
}
