/** Parts that several lessons share: the authorization request, and the commands of its answer. */
import { requestOf, parameter } from './evidence.ts'
import type { Part, Question, Values } from './lesson.ts'

export const say = (text: string): Part => ({ say: text })

/** A command for a shell. */
interface Command {
  command: string
}

export const command = (...lines: readonly string[]): Command => ({ command: lines.join('\n') })

/** The random values of one request. */
export const makeVerifier = command(
  `CODE_VERIFIER=$(openssl rand -base64 48 | tr '+/' '-_' | tr -d '=\\n')`,
  `CODE_CHALLENGE=$(printf '%s' "$CODE_VERIFIER" | openssl dgst -sha256 -binary | openssl base64 | tr '+/' '-_' | tr -d '=')`,
  'STATE=$(openssl rand -hex 8)',
  'NONCE=$(openssl rand -hex 8)',
)

const query = (params: readonly (readonly [string, string])[]): string =>
  params
    .map(([name, value]) => `${name}=${value.startsWith('$') ? value : encodeURIComponent(value)}`)
    .join('&')

/** The address of an authorization request. Values that begin with `$` are variables of the shell. */
export const authorizationUrl = (
  { issuer, client_id, redirect_uri }: Values,
  more: Readonly<Record<string, string>> = {},
): string => {
  const given = {
    response_type: 'code',
    client_id,
    redirect_uri,
    scope: 'openid profile email',
    state: '$STATE',
    nonce: '$NONCE',
    ...more,
  }
  return `${issuer}/authorize?${query(Object.entries(given).filter(([, value]) => value !== ''))}`
}

/** Prints the address of a request with PKCE, for the browser. */
export const printRequest = (values: Values, more: Readonly<Record<string, string>> = {}): Command =>
  command(
    `echo "${authorizationUrl(values, { ...more, code_challenge: '$CODE_CHALLENGE', code_challenge_method: 'S256' })}"`,
  )

export const pasteCode = command(
  `printf 'Paste the address that the browser ended at: '; read -r CALLBACK`,
  `CODE=$(printf '%s' "$CALLBACK" | sed -n 's/.*[?&]code=\\([^&]*\\).*/\\1/p')`,
)

/** A request at an endpoint whose client authenticates with its secret. */
export const asClient = (
  { issuer, client_id, client_secret }: Values,
  path: string,
  fields: readonly (readonly [string, string])[],
): Command =>
  command(
    [`curl -s -u '${client_id}:${client_secret}' ${issuer}${path}`]
      .concat(
        fields.map(
          ([name, value]) => `-d ${value.startsWith('$') ? `"${name}=${value}"` : `'${name}=${value}'`}`,
        ),
      )
      .join(' \\\n  '),
  )

export const redeem = (values: Values, verifier = '$CODE_VERIFIER'): Command =>
  asClient(values, '/token', [
    ['grant_type', 'authorization_code'],
    ['code', '$CODE'],
    ['redirect_uri', values.redirect_uri],
    ['code_verifier', verifier],
  ])

export const signInAs = ({ username, password }: Values): Part =>
  say(
    `Open the address in the browser, sign in as ${username} with the password ${password}, and allow access.`,
  )

export const codeLives =
  'A code can be used once, within 60 seconds. If it is too late, open the address of the request again.'

/** A parameter of the authorization request of the flow. */
export const askRequest = (ask: string, name: string): Question => ({
  ask,
  answer: (_, flow) => {
    const request = requestOf(flow)
    return request && parameter(request, name)
  },
})

/** The command with its answer in the variable TOKENS, and further lines. */
export const intoTokens = ({ command: text }: Command, ...more: readonly string[]): Command =>
  command(`TOKENS=$(${text})`, 'echo "$TOKENS"', ...more)

/** A line that takes a token out of TOKENS. */
export const takeOut = (name: string, variable: string): string =>
  `${variable}=$(printf '%s' "$TOKENS" | sed -n 's/.*"${name}": *"\\([^"]*\\)".*/\\1/p')`
