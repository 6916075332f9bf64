/** Reads the client credentials of a request, without verifying them. https://www.rfc-editor.org/rfc/rfc6749#section-2.3 */
import { check } from './check.ts'
import { type Given, optionalText } from './params.ts'
import { secret } from './refusal.ts'

/** Parameters that authenticate a client in the body of its request. */
export const clientParameters = {
  client_id: optionalText('Not needed with Authorization: Basic'),
  client_secret: optionalText('With client_secret_post'),
  client_assertion: optionalText('A JWT, with private_key_jwt and client_secret_jwt; its aud is the issuer'),
  client_assertion_type: optionalText('urn:ietf:params:oauth:client-assertion-type:jwt-bearer'),
}

/** The parts of a request that may hold client credentials. */
export interface CredentialSources {
  authorization: string | undefined
  params: Given<typeof clientParameters>
}

/** The credentials of a request, by the method that it uses. `secrets`: what the client may have meant, one or two. */
export type Credentials =
  | { method: 'client_secret_basic'; client_id: string; secrets: Readings; raw_client_id?: string }
  | { method: 'client_secret_post'; client_id: string; secrets: Readings }
  | { method: 'client_assertion'; client_id: string; assertion: string }
  | { method: 'none'; client_id: string }

/** The form-decoded text, then the raw one where it differs. */
type Readings = readonly [string, ...string[]]

export const jwtBearerAssertion = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'

/**
 * The text, form-decoded as §2.3.1 says, and raw, because many libraries encode nothing. One reading where both are the
 * same, and where the text cannot have been encoded.
 */
function readings(text: string): Readings {
  if (!/[%+]/.test(text) || !/^[\w.*~!'()%+-]*$/.test(text)) return [text]
  try {
    return [decodeURIComponent(text.replaceAll('+', ' ')), text]
  } catch {
    return [text]
  }
}

/** UTF-8, or else ISO 8859-1, as older libraries encode the header (RFC 7617 §2). ASCII is the same in both. */
function textOf(bytes: Buffer): string {
  const latin = bytes.toString('latin1')
  if (!/[\x80-\xff]/.test(latin)) return latin
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return latin
  }
}

/**
 * Where the client_id ends. That is the first colon, except in a raw one that has colons: one that the body names too, or a
 * URL, which ends at the last colon.
 */
function endOfId(text: string, named: string | undefined): number {
  if (named !== undefined && text.startsWith(`${named}:`)) return named.length
  return /^(?:https?:\/\/|urn:)/i.test(text) ? text.lastIndexOf(':') : text.indexOf(':')
}

/**
 * §2.3.1: client_id and secret are form-encoded before Base64; both are also taken raw. `named`: the client_id of the body.
 * Undefined when the header is malformed.
 */
export function parseBasic(
  authorization: string,
  named?: string,
): { client_ids: Readings; secrets: Readings } | undefined {
  const match = /^basic +([A-Za-z0-9+/]+={0,2}) *$/i.exec(authorization)
  if (!match) return undefined
  const text = textOf(Buffer.from(match[1]!, 'base64'))
  const end = endOfId(text, named)
  if (end < 1) return undefined
  return { client_ids: readings(text.slice(0, end)), secrets: readings(text.slice(end + 1)) }
}

/**
 * The credentials of the client. Throws `invalid_request` when the request uses two methods (§2.3), and `invalid_client`
 * when it uses none or the header is malformed.
 */
export function readCredentials({ authorization, params }: CredentialSources): Credentials {
  const basic = authorization !== undefined && /^basic(?: |$)/i.test(authorization)
  const asserted = params.client_assertion !== undefined || params.client_assertion_type !== undefined
  const posted = params.client_secret !== undefined
  check(Number(basic) + Number(posted) + Number(asserted) <= 1, 'invalid_request', () => ({
    rule: 'RFC 6749 §2.3',
    expected: 'one client authentication method in a request',
    problem: 'the request uses two client authentication methods; use one',
  }))
  if (basic) {
    const parsed = parseBasic(authorization, params.client_id)
    check(parsed, 'invalid_client', () => ({
      rule: 'RFC 6749 §2.3.1',
      expected: 'Authorization: Basic expects base64(client_id:client_secret), each form-encoded',
      came: secret(authorization),
    }))
    const { client_ids, secrets } = parsed
    const [client_id, raw_client_id] = client_ids
    if (params.client_id === undefined)
      return {
        method: 'client_secret_basic',
        client_id,
        secrets,
        ...(raw_client_id !== undefined && { raw_client_id }),
      }
    check(client_ids.includes(params.client_id), 'invalid_request', () => ({
      rule: 'RFC 6749 §2.3.1',
      expected: `client_id in the body is the one in the Authorization header: ${client_id}`,
      came: params.client_id,
      wanted: client_ids,
      problem: 'client_id in the body differs from the one in the Authorization header',
    }))
    return { method: 'client_secret_basic', client_id: params.client_id, secrets }
  }
  if (asserted) return readAssertion(params)
  check(params.client_id !== undefined, 'invalid_client', () => ({
    rule: 'RFC 6749 §3.2.1',
    expected: 'client authentication, or the client_id of a public client',
    problem: 'no client authentication',
    next: 'send Authorization: Basic, or client_id with what the client registered',
  }))
  return params.client_secret === undefined
    ? { method: 'none', client_id: params.client_id }
    : { method: 'client_secret_post', client_id: params.client_id, secrets: [params.client_secret] }
}

/** RFC 7523 §2.2: `sub` of the assertion is the client_id. It is read before the signature is verified, to find the client's keys. */
function readAssertion(params: CredentialSources['params']): Credentials {
  const { client_assertion, client_assertion_type, client_id } = params
  check(client_assertion_type === jwtBearerAssertion, 'invalid_client', () => ({
    rule: 'RFC 7523 §2.2',
    expected: `client_assertion_type must be ${jwtBearerAssertion}`,
    came: client_assertion_type,
    wanted: jwtBearerAssertion,
  }))
  const subject = unverifiedSubject(client_assertion ?? '')
  check(subject !== undefined, 'invalid_client', () => ({
    rule: 'RFC 7523 §3',
    expected: 'client_assertion must be a JWT whose sub is the client_id',
    came: secret(client_assertion),
  }))
  check(client_id === undefined || client_id === subject, 'invalid_client', () => ({
    rule: 'RFC 7521 §4.2',
    expected: `client_id is the sub of client_assertion: ${subject}`,
    came: client_id,
    wanted: subject,
    problem: 'client_id differs from the sub of client_assertion',
  }))
  return { method: 'client_assertion', client_id: subject, assertion: client_assertion! }
}

function unverifiedSubject(jwt: string): string | undefined {
  try {
    const { sub } = JSON.parse(Buffer.from(jwt.split('.')[1] ?? '', 'base64url').toString('utf8')) as {
      sub?: unknown
    }
    return typeof sub === 'string' ? sub : undefined
  } catch {
    return undefined
  }
}
