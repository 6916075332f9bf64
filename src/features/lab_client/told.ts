/** Where the client of the playground hears that a session has ended: by a frame of the browser, and by the provider itself. https://openid.net/specs/openid-connect-backchannel-1_0.html */
import { createLocalJWKSet, decodeProtectedHeader, type JWTPayload, jwtVerify } from 'jose'
import type { Call } from '../../contracts/call.ts'
import type { Context } from '../../contracts/context.ts'
import type { Reply } from '../../contracts/reply.ts'
import { defineView } from '../../html/view.ts'
import { form, query } from '../../http/call.ts'
import { json, page } from '../../http/reply.ts'
import { clientIdOf } from './paths.ts'
import { equal, type Finding } from './flow.ts'
import { logout } from './flows/logout.ts'
import { makingOf } from './making.ts'
import { addTold } from './memory.ts'
import { clip } from './shown_request.ts'

const heard = defineView('lab_client_heard', '<!doctype html><title>Signed out</title>', [])

interface Told {
  step: string
  sid: string
  http: string
  answer: string
  findings: readonly Finding[]
}

/** Adds what was told to the run whose ID Token has this `sid`. */
const note = (context: Context, { step, sid, http, answer, findings }: Told): void =>
  addTold(context, sid, {
    step,
    at: context.clock.now(),
    http: clip(http),
    curl: '',
    answer: { text: answer, status: undefined, requestId: undefined },
    findings,
  })

/** A frame of the signed-out page loads it. HEAD tells nothing, because the specification has the frame alone. */
export function hearFrame(call: Call, context: Context): Reply {
  const { iss, sid } = query(call, context)
  if (sid !== undefined && call.request.headers.get('sec-fetch-dest') !== 'document' && call.method === 'GET')
    note(context, {
      step: 'frontchannel',
      sid,
      http: `GET ${context.basePath}${call.path}?${call.search} HTTP/1.1`,
      answer: 'HTTP/1.1 200 OK',
      findings: [
        equal('iss is the provider of the client.', 'OpenID Connect Front-Channel Logout §3', {
          expected: context.config.issuer,
          came: iss,
        }),
        {
          held: true,
          about: 'sid is that of the ID Token.',
          rule: 'OpenID Connect Front-Channel Logout §3',
        },
      ],
    })
  return { ...page(200, heard({})), framedByAnySite: true }
}

const rule = 'OpenID Connect Back-Channel Logout §2.6'
const event = 'http://schemas.openid.net/event/backchannel-logout'

/** Undefined for a token that this provider did not sign for this client. */
async function verified(call: Call, context: Context, token: string): Promise<JWTPayload | undefined> {
  const { jwks } = await makingOf(call, context, { flow: logout, values: {} })
  try {
    const { payload } = await jwtVerify(token, createLocalJWKSet(await jwks()), {
      issuer: context.config.issuer,
      audience: clientIdOf('logout'),
      algorithms: [...context.config.signingAlgs],
      currentDate: new Date(context.clock.now()),
    })
    return payload
  } catch {
    return undefined
  }
}

const findingsOf = (token: string, { events, nonce }: JWTPayload): Finding[] => [
  { held: true, about: 'The signature, iss, aud and exp are right.', rule },
  equal('typ is logout+jwt.', 'OpenID Connect Back-Channel Logout §2.4', {
    expected: 'logout+jwt',
    came: decodeProtectedHeader(token).typ,
  }),
  {
    held: typeof events === 'object' && events !== null && event in events,
    about: 'events names the sign-out.',
    rule,
  },
  { held: nonce === undefined, about: 'There is no nonce: an ID Token is no logout token.', rule },
]

export async function hearToken(call: Call, context: Context): Promise<Reply> {
  const { logout_token: token = '' } = await form(call, context)
  const claims = await verified(call, context, token)
  if (typeof claims?.sid !== 'string') return json(400, { error: 'invalid_request' })
  const findings = findingsOf(token, claims)
  const isGood = findings.every(({ held }) => held)
  note(context, {
    step: 'backchannel',
    sid: claims.sid,
    http: `POST ${context.basePath}${call.path} HTTP/1.1\n\nlogout_token=${token}\n\n${JSON.stringify(claims, null, 2)}`,
    answer: isGood ? 'HTTP/1.1 200 OK' : 'HTTP/1.1 400 Bad Request',
    findings,
  })
  return isGood ? json(200, {}) : json(400, { error: 'invalid_request' })
}
