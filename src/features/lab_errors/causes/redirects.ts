/** Causes of refused redirect URIs. https://www.rfc-editor.org/rfc/rfc9700#section-2.1 */
import { compare, mostLike } from '../compare.ts'
import { type CauseRow, clientSet, parameter, type Seen, type Remedy, word } from './cause.ts'

/** The parameter that was refused, and its registered values. */
interface Redirect {
  name: 'redirect_uri' | 'post_logout_redirect_uri'
  came: string
  registered: readonly string[]
  nearest: string
}

const isOfToken = ({ failure }: Seen): boolean => failure.code === 'invalid_grant'

function redirectOf(seen: Seen): Redirect | undefined {
  const { failure, client } = seen
  const isLogout = failure.rule.startsWith('OpenID Connect RP-Initiated Logout')
  const name = isLogout ? 'post_logout_redirect_uri' : 'redirect_uri'
  const came = parameter(seen, name)
  const sent = failure.traces.history?.issued?.redirectUri
  const registered = isOfToken(seen)
    ? sent === undefined
      ? []
      : [sent]
    : ((isLogout ? client?.post_logout_redirect_uris : client?.redirect_uris) ?? [])
  const nearest = came === undefined ? undefined : mostLike(came, registered)
  if (came === undefined || nearest === undefined || registered.includes(came)) return undefined
  return { name, came, registered, nearest }
}

/** How two URIs differ, where they differ in that alone. */
interface Difference {
  name: string
  /** Makes the two equal, if this is the difference. */
  same(uri: string): string
  title(came: URL | null, nearest: URL | null): string
}

const isLoopbackName = (host: string) => ['localhost', '127.0.0.1', '[::1]'].includes(host)

const changed = (uri: string, change: (url: URL) => void): string => {
  const url = URL.parse(uri)
  if (!url) return uri
  change(url)
  return url.href
}

const differences: readonly Difference[] = [
  {
    name: 'redirect_trailing_slash',
    same: (uri) => uri.replace(/\/$/, ''),
    title: () => 'The two differ in the slash at the end.',
  },
  {
    name: 'redirect_scheme',
    same: (uri) => uri.replace(/^https?:/i, ''),
    title: (came, nearest) =>
      `The request says ${came?.protocol.slice(0, -1)}, and ${nearest?.protocol.slice(0, -1)} is expected.`,
  },
  {
    name: 'redirect_loopback_name',
    same: (uri) => changed(uri, (url) => void (isLoopbackName(url.hostname) && (url.hostname = 'localhost'))),
    title: (came, nearest) =>
      `The request says ${came?.hostname}, and ${nearest?.hostname} is expected: for this comparison they are two hosts.`,
  },
  {
    name: 'redirect_port',
    same: (uri) => changed(uri, (url) => void (url.port = '')),
    title: (came, nearest) =>
      `The request says port ${came?.port || 'none'}, and port ${nearest?.port || 'none'} is expected.`,
  },
  {
    name: 'redirect_case',
    same: (uri) => uri.toLowerCase(),
    title: () => 'The two differ in capital letters alone.',
  },
  {
    name: 'redirect_encoded_twice',
    same: (uri) => {
      try {
        return decodeURIComponent(uri)
      } catch {
        return uri
      }
    },
    title: () => 'The redirect_uri is percent-encoded twice.',
  },
  {
    name: 'redirect_query',
    same: (uri) => uri.replace(/[?#].*$/, ''),
    title: () => 'The two differ in the query or the fragment. What must come back belongs into state.',
  },
  {
    name: 'redirect_path',
    same: (uri) => URL.parse(uri)?.origin ?? uri,
    title: (came, nearest) =>
      `The host is right, and the path is ${came?.pathname} where ${nearest?.pathname} is expected.`,
  },
]

function mendOf(seen: Seen, { name, came, registered, nearest }: Redirect): Remedy[] {
  const send: Remedy = {
    text: 'Send the expected value, character by character:',
    code: `${name}=${nearest}`,
  }
  if (isOfToken(seen)) return [send]
  const option = name === 'redirect_uri' ? '--redirect-uri' : '--post-logout-redirect-uri'
  return [
    send,
    {
      text: 'Or register what the client sends beside what it has. The options replace the whole list:',
      code: clientSet(seen, ...[...registered, came].map((uri) => `${option} ${word(uri)}`)),
    },
  ]
}

const explain = (seen: Seen, { name, same, title }: Difference): ReturnType<CauseRow['explain']> => {
  const redirect = redirectOf(seen)
  if (!redirect || redirectDifference(redirect)?.name !== name) return undefined
  const { came, nearest } = redirect
  // Of several registered values the one that differs in this alone is meant, not the one that is most like it.
  const meant = redirect.registered.find((each) => same(each) === same(came)) ?? nearest
  return {
    certainty: 'proven',
    title: title(URL.parse(came), URL.parse(meant)),
    evidence: [
      isOfToken(seen)
        ? 'The token request must repeat the redirect_uri of the authorization request.'
        : 'Redirect URIs are compared character by character: whatever is not registered is refused, because the code goes there.',
    ],
    mend: mendOf(seen, { ...redirect, nearest: meant }),
    compared: compare(redirect.name, meant, came),
  }
}

/** The first difference in the order of the table that alone explains a registered value. */
const redirectDifference = ({ came, registered }: Redirect): Difference | undefined =>
  differences.find(({ same }) => registered.some((each) => same(each) === same(came)))

const nearestOf = (registered: readonly string[], came: string) => {
  const nearest = mostLike(came, registered)
  return nearest === undefined ? undefined : compare('redirect_uri', nearest, came)
}

export const redirectCauses: readonly CauseRow[] = [
  ...differences.map((difference): CauseRow => ({
    name: difference.name,
    codes: ['invalid_request', 'invalid_grant'],
    explain: (seen) => (/redirect_uri/.test(seen.failure.expected) ? explain(seen, difference) : undefined),
  })),
  {
    name: 'redirect_missing',
    codes: ['invalid_request', 'invalid_grant'],
    explain(seen) {
      if (
        !seen.failure.expected.startsWith('redirect_uri is') ||
        parameter(seen, 'redirect_uri') !== undefined
      )
        return undefined
      const wanted = seen.failure.traces.history?.issued?.redirectUri ?? seen.client?.redirect_uris[0]
      return {
        certainty: 'proven',
        title: isOfToken(seen)
          ? 'The token request has no redirect_uri. It must repeat the one of the authorization request.'
          : 'The request has no redirect_uri.',
        evidence: [],
        mend: [
          {
            text: 'Send it as a parameter:',
            code: `redirect_uri=${wanted ?? 'https://app.example/callback'}`,
          },
        ],
      }
    },
  },
  {
    name: 'redirect_not_registered',
    codes: ['invalid_request'],
    explain(seen) {
      const { failure, client } = seen
      const came = parameter(seen, 'redirect_uri')
      if (failure.rule !== 'RFC 9700 §2.1' || came === undefined || !client) return undefined
      const isKnown = differences.some(({ same }) =>
        client.redirect_uris.some((each) => same(each) === same(came)),
      )
      if (isKnown) return undefined
      return {
        certainty: 'likely',
        title: `The client ${client.client_id} has not registered this redirect_uri.`,
        evidence: [`It registered: ${client.redirect_uris.join(', ') || 'none'}.`],
        mend: [
          {
            text: 'Register it beside the others. The options replace the whole list:',
            code: clientSet(
              seen,
              ...[...client.redirect_uris, came].map((uri) => `--redirect-uri ${word(uri)}`),
            ),
          },
          { text: 'Or the request names the wrong client: compare its client_id with the registration.' },
        ],
        compared: nearestOf(client.redirect_uris, came),
      }
    },
  },
]
