/** A flow as a script with curl that plays it again: what one answer gives, the next request takes. */
import { outcomeOf } from '../../../models/recording/flow_kinds.ts'
import type { Exchange, Flow } from '../../../models/recording/recorded.ts'
import { headerOf, pathOf, titleOf } from '../words.ts'
import { shellWord } from '../../../lib/shell_word.ts'
import { written } from '../../../lib/unsafe_text.ts'

/** Where the value of a parameter comes from when the flow is played again. */
const sources: Readonly<Record<string, string>> = {
  code: '"$(param code)"',
  code_verifier: '"$verifier"',
  code_challenge: '"$challenge"',
  password: '"${PASSWORD:?the password of the End-User}"',
  client_secret: '"${CLIENT_SECRET:?the client_secret}"',
  token: '"$access_token"',
  subject_token: '"$access_token"',
  actor_token: '"$access_token"',
  id_token_hint: '"$id_token"',
  access_token: '"$access_token"',
  refresh_token: '"$refresh_token"',
  device_code: '"$device_code"',
  auth_req_id: '"$auth_req_id"',
  request_uri: '"$request_uri"',
}

const isMasked = (text: string): boolean => text.includes('[masked ')

/**
 * The word for the value of a parameter; undefined where it is sent as it was. A sender chose the name, so the variable has
 * a prefix: without it the script would send any variable of the environment.
 */
function sourceOf(name: string, value: string, isPage: boolean): string | undefined {
  const known = Object.hasOwn(sources, name) ? sources[name] : undefined
  // A code_challenge is public, and must fit the verifier of this run.
  if (known !== undefined && (name === 'code_challenge' || isMasked(value) || name === 'code')) return known
  if (isPage && (isMasked(value) || name === 'csrf_token')) return `"$(hidden ${shellWord(name)})"`
  return isMasked(value)
    ? `"\${PARAMETER_${name.replace(/\W/g, '_').toUpperCase()}:?the value of a parameter}"`
    : undefined
}

const pairsOf = (text: string): [name: string, value: string][] =>
  text.split('&').flatMap((pair) => {
    const equals = pair.indexOf('=')
    return equals < 0 ? [] : [[pair.slice(0, equals), pair.slice(equals + 1)]]
  })

/** The URL as words of the shell that are one. */
function urlOf(exchange: Exchange, before: Exchange | undefined): string {
  const { request, from } = exchange
  const [, path = '', search] = /^[a-z]+:\/\/[^/?#]*([^?#]*)(?:\?([^#]*))?/i.exec(request.url) ?? []
  const led = before && headerOf(before.answer.headers, 'location')
  if (from === 'browser' && led !== undefined && led.replace(/[?#].*$/s, '').endsWith(path))
    return '"$location"'
  const query = pairsOf(search ?? '').map(
    ([name, value]) => `${shellWord(`${name}=`)}${sourceOf(name, value, false) ?? shellWord(value)}`,
  )
  return `"$ISSUER"${shellWord(path)}${query.length > 0 ? `'?'${query.join("'&'")}` : ''}`
}

function bodyOf({ request, from }: Exchange): string[] {
  const { body, headers } = request
  if (body === undefined) return request.method === 'POST' ? ['--data', "''"] : []
  const type = headerOf(headers, 'content-type') ?? ''
  if (!type.startsWith('application/x-www-form-urlencoded'))
    return ['-H', shellWord(`Content-Type: ${type}`), '--data-raw', shellWord(body)]
  return pairsOf(body).flatMap(([name, value]) => {
    const source = sourceOf(name, value, from === 'browser')
    return source === undefined
      ? ['--data-raw', shellWord(`${name}=${value}`)]
      : ['--data-urlencode', `${shellWord(`${name}=`)}${source}`]
  })
}

function authorizationOf({ request }: Exchange): string[] {
  const value = headerOf(request.headers, 'authorization')
  const [, scheme = '', id = ''] = /^([a-z][\w-]*) (.*?):?\[masked [\da-f]+\]$/i.exec(value ?? '') ?? []
  if (scheme === '') return value === undefined ? [] : ['-H', shellWord(`Authorization: ${value}`)]
  return scheme.toLowerCase() === 'basic'
    ? ['-u', `${shellWord(`${id}:`)}"\${CLIENT_SECRET:?the client_secret}"`]
    : ['-H', `${shellWord(`Authorization: ${scheme} `)}"$access_token"`]
}

function command(exchange: Exchange, before: Exchange | undefined, at: number): string {
  const { request, answer, from } = exchange
  const says = written(`${at + 1}. ${request.method} ${pathOf(exchange)}`).replace(/[\r\n]/g, ' ')
  const words = [
    `step ${shellWord(says)} ${answer.status} ${from === 'browser' || from === 'device' ? 'browser' : 'client'}`,
    ...(request.method === 'GET' || request.method === 'POST' ? [] : ['-X', shellWord(request.method)]),
    ...authorizationOf(exchange),
    ...bodyOf(exchange),
    urlOf(exchange, before),
  ]
  return words.join(' ')
}

const start = String.raw`set -euo pipefail
work=$(mktemp -d); trap 'rm -r "$work"' EXIT
touch "$work/page" "$work/answer"
location=; access_token=; refresh_token=; id_token=; device_code=; auth_req_id=; request_uri=
base64url() { openssl base64 -A | tr '+/' '-_' | tr -d '='; }
verifier=$(openssl rand 32 | base64url)
challenge=$(printf %s "$verifier" | openssl dgst -sha256 -binary | base64url)
# A hidden field of the last page, a parameter of the last redirect, a member of the last JSON document.
hidden() { grep -o "name=\"$1\" value=\"[^\"]*\"" "$work/page" | head -1 | sed 's/.*value="//; s/"$//; s/&amp;/\&/g'; }
param() { printf %s "$location" | tr '?&#' '\n\n\n' | sed -n "s/^$1=//p" | head -1; }
member() { grep -o "\"$1\":\"[^\"]*\"" "$work/answer" | head -1 | sed 's/^[^:]*:"//; s/"$//'; }
browser() { curl -gsS -b "$work/jar" -c "$work/jar" -D "$work/head" -o "$work/page" "$@"; }
client() { curl -gsS -D "$work/head" -o "$work/answer" "$@"; }
# step WHAT STATUS WHO ARGUMENTS: sends a request, and ends when the status is not the one that was recorded.
step() {
  local what=$1 recorded=$2 who=$3 status led name value; shift 3
  "$who" "$@"
  status=$(sed -n '1s/^[^ ]* \([0-9]*\).*/\1/p' "$work/head")
  echo "$what: $status"
  [ "$status" = "$recorded" ] || { echo "The recorded status is $recorded."; cat "$work/answer"; exit 1; }
  led=$(tr -d '\r' < "$work/head" | sed -n 's/^[Ll]ocation: //p')
  case $led in /*) location=$ISSUER$led ;; ?*) location=$led ;; esac
  for name in access_token refresh_token id_token device_code auth_req_id request_uri; do
    value=$(member "$name" || true)
    [ -z "$value" ] || printf -v "$name" %s "$value"
  done
}`

/** The host of a recorded request is what its sender said, so the script begins with that of the issuer. */
export function asCurl(flow: Flow, issuer: string): string {
  const { exchanges } = flow
  const { origin } = new URL(issuer)
  const browsers = (at: number) => exchanges.slice(0, at).findLast((each) => each.from === 'browser')
  return [
    '#!/usr/bin/env bash',
    `# Plays a recorded flow again: ${titleOf(flow)} (${outcomeOf(flow)}). Secrets come from CLIENT_SECRET and PASSWORD.`,
    `ISSUER=\${ISSUER:-${shellWord(origin)}}`,
    start,
    '',
    ...exchanges.map((exchange, at) => command(exchange, browsers(at), at)),
    '',
  ].join('\n')
}
