/** A flow as a script with curl that plays it again: what one answer gives, the next request takes. */
import { outcomeOf, peopleOf } from '../../../models/recording/flow_kinds.ts'
import type { Exchange, Flow } from '../../../models/recording/recorded.ts'
import { headerOf, pathOf, titleOf } from '../words.ts'
import { ownMember } from '../../../lib/own_member.ts'
import { shellWord } from '../../../lib/shell_word.ts'
import { written } from '../../../lib/unsafe_text.ts'
import { isOfDevice, limitsOf, signsInFirst } from './curl_limits.ts'

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

/** Sources of forms that an End-User sends. */
const sourcesOfPages: Readonly<Record<string, string>> = {
  code: '"${CODE:?the code of the second step}"',
}

/** What must fit this run, whatever was recorded. */
const alwaysNew = new Set(['code_challenge', 'code'])

const isMasked = (text: string): boolean => text.includes('[masked ')

interface Kind {
  /** A form that an End-User sends. */
  isPage: boolean
  /** A request of this flow gave a user_code. */
  isOfCode: boolean
}

/**
 * The word for the value of a parameter; undefined where it is sent as it was. A sender chose the name, so the variable has
 * a prefix: without it the script would send any variable of the environment.
 */
function sourceOf(name: string, value: string, { isPage, isOfCode }: Kind): string | undefined {
  if (name === 'user_code' && isOfCode) return '"$user_code"'
  const known = ownMember(isPage ? { ...sources, ...sourcesOfPages } : sources, name)
  if (known !== undefined && (alwaysNew.has(name) || isMasked(value))) return known
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

const isByEndUser = ({ from }: Exchange): boolean => from === 'browser' || from === 'device'

/** The URL as words of the shell that are one. */
function urlOf(exchange: Exchange, before: Exchange | undefined, isOfCode: boolean): string {
  const { request, from } = exchange
  const [, path = '', search] = /^[a-z]+:\/\/[^/?#]*([^?#]*)(?:\?([^#]*))?/i.exec(request.url) ?? []
  const led = before && headerOf(before.answer.headers, 'location')
  if (from === 'browser' && led !== undefined && led.replace(/[?#].*$/s, '').endsWith(path))
    return '"$location"'
  const query = pairsOf(search ?? '').map(
    ([name, value]) =>
      `${shellWord(`${name}=`)}${sourceOf(name, value, { isPage: false, isOfCode }) ?? shellWord(value)}`,
  )
  return `"$ISSUER"${shellWord(path)}${query.length > 0 ? `'?'${query.join("'&'")}` : ''}`
}

function bodyOf(exchange: Exchange, isOfCode: boolean): string[] {
  const { request } = exchange
  const { body, headers } = request
  if (body === undefined) return request.method === 'POST' ? ['--data', "''"] : []
  const type = headerOf(headers, 'content-type') ?? ''
  if (!type.startsWith('application/x-www-form-urlencoded'))
    return ['-H', shellWord(`Content-Type: ${type}`), '--data-raw', shellWord(body)]
  return pairsOf(body).flatMap(([name, value]) => {
    const source = sourceOf(name, value, { isPage: isByEndUser(exchange), isOfCode })
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

interface Place {
  at: number
  /** The request of the browser before this one. */
  before: Exchange | undefined
  isOfCode: boolean
}

/** A form is read from its page, which may be a part of another flow. */
const needsItsPage = (exchange: Exchange, { before }: Place): boolean =>
  exchange.request.method === 'POST' &&
  isByEndUser(exchange) &&
  !(before?.answer.page && pathOf(before) === pathOf(exchange))

const isPoll = (exchange: Exchange): boolean =>
  /(?:^|&)(?:device_code|auth_req_id)=/.test(exchange.request.body ?? '')

function command(exchange: Exchange, place: Place): string[] {
  const { before, at, isOfCode } = place
  const { request, answer } = exchange
  const says = written(`${at + 1}. ${request.method} ${pathOf(exchange)}`).replace(/[\r\n]/g, ' ')
  const words = [
    `step ${shellWord(says)} ${answer.status} ${isByEndUser(exchange) ? 'browser' : 'client'}`,
    ...(request.method === 'GET' || request.method === 'POST' ? [] : ['-X', shellWord(request.method)]),
    ...authorizationOf(exchange),
    ...bodyOf(exchange, isOfCode),
    urlOf(exchange, before, isOfCode),
  ]
  return [
    ...(needsItsPage(exchange, place) ? [`browser "$ISSUER"${shellWord(pathOf(exchange))}`] : []),
    ...(isPoll(exchange) ? ['sleep "${interval:-5}"'] : []),
    words.join(' '),
  ]
}

const start = String.raw`set -euo pipefail
work=$(mktemp -d); trap 'rm -r "$work"' EXIT
touch "$work/page" "$work/answer"
location=; access_token=; refresh_token=; id_token=; device_code=; user_code=; interval=; auth_req_id=; request_uri=
base64url() { openssl base64 -A | tr '+/' '-_' | tr -d '='; }
verifier=$(openssl rand 32 | base64url)
challenge=$(printf %s "$verifier" | openssl dgst -sha256 -binary | base64url)
# A hidden field of the last page, a parameter of the last redirect, a member of the last JSON document.
hidden() { grep -o "name=\"$1\" value=\"[^\"]*\"" "$work/page" | head -1 | sed 's/.*value="//; s/"$//; s/&amp;/\&/g'; }
param() { printf %s "$location" | tr '?&#' '\n\n\n' | sed -n "s/^$1=//p" | head -1; }
member() { grep -oE "\"$1\":(\"[^\"]*\"|[0-9]+)" "$work/answer" | head -1 | sed 's/^[^:]*://; s/^"//; s/"$//'; }
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
  for name in access_token refresh_token id_token device_code user_code interval auth_req_id request_uri; do
    value=$(member "$name" || true)
    [ -z "$value" ] || printf -v "$name" %s "$value"
  done
}`

/** At the page of the sign-in itself: the pages of a device need a session. */
const signIn = (flow: Flow, issuer: string): string => {
  const [person = ''] = peopleOf(flow)
  const page = `"$ISSUER"${shellWord(new URL(`${issuer}/login`).pathname)}`
  const fields = ['csrf_token', 'interaction'].map(
    (name) => `--data-urlencode ${shellWord(`${name}=`)}"$(hidden ${name})"`,
  )
  return [
    `browser -L ${page}`,
    `browser ${fields.join(' ')} --data-urlencode ${shellWord(`username=${person}`)} --data-urlencode 'password='${sources.password} --data-raw 'login=login' ${page}`,
  ].join('\n')
}

/** The host of a recorded request is what its sender said, so the script begins with that of the issuer. */
export function asCurl(flow: Flow, issuer: string): string {
  const { exchanges } = flow
  const { origin } = new URL(issuer)
  const browsers = (at: number) => exchanges.slice(0, at).findLast(isByEndUser)
  const isOfCode = exchanges.some(({ endpoint }) => endpoint === 'device_authorization')
  const firstOfDevice = signsInFirst(flow) ? exchanges.findIndex(isOfDevice) : -1
  return [
    '#!/usr/bin/env bash',
    `# Plays a recorded flow again: ${titleOf(flow)} (${outcomeOf(flow)}). Secrets come from CLIENT_SECRET and PASSWORD.`,
    ...limitsOf(flow).map((text) => `# ${written(text).replace(/[\r\n]/g, ' ')}`),
    `ISSUER=\${ISSUER:-${shellWord(origin)}}`,
    start,
    '',
    ...exchanges.flatMap((exchange, at) => [
      ...(at === firstOfDevice ? [signIn(flow, issuer)] : []),
      ...command(exchange, { at, before: browsers(at), isOfCode }),
    ]),
    '',
  ].join('\n')
}
