/** What the page says of one pasted token. */
import type { Context } from '../../contracts/context.ts'
import type { Html } from '../../html/view.ts'
import { seconds } from '../../lib/clock.ts'
import { type Api, apiSteps, type Presented } from './as_api.ts'
import { claimSteps } from './claim_steps.ts'
import { rightKeys } from './keys.ts'
import { kindOfJwt, kinds } from './kind.ts'
import { type Json, type Jws, type Pasted, readPasted } from './pasted.ts'
import { verifySignature, type Verified } from './signature.ts'
import { type State, stateOfHandle, stateOfJwt } from './state.ts'
import { textOf } from './step.ts'
import { claimMembers, headerMembers, paragraph, section, stepsView, verdict } from './view.ts'

export interface Asked extends Api {
  token: string
  keys: string
}

function judged(presented: Presented, api: Api): { verdict: Html; section: Html } {
  const steps = apiSteps(presented, api)
  const failed = steps.filter(({ outcome }) => outcome === 'fails').length
  const open = steps.filter(({ outcome }) => outcome === 'open').length
  const words =
    failed > 0
      ? `An API that checks what the specification asks refuses this token: ${failed} of ${steps.length} checks fail.`
      : open > 0
        ? `No check fails. ${open} of ${steps.length} are open: the API itself must make them.`
        : 'An API accepts this token.'
  const said = verdict(failed > 0 ? 'fails' : open > 0 ? 'open' : 'holds', words)
  return { verdict: said, section: section('api', 'At an API', said, stepsView(steps)) }
}

const stateSection = ({ active, why }: State): Html =>
  section(
    'state',
    'At this provider',
    verdict(
      active === undefined ? 'open' : active ? 'holds' : 'fails',
      active === undefined ? 'Not said' : active ? 'Active' : 'Not active',
    ),
    paragraph(why),
  )

function signatureWords({ verified }: Verified, whose: string): string {
  if (verified === undefined) return 'The signature cannot be verified here. Believe none of its claims.'
  return verified
    ? `The signature is that of ${whose}.`
    : 'The signature does not hold. Believe none of its claims.'
}

async function jwsSections(jws: Jws, { keys: pasted, ...api }: Asked, context: Context): Promise<Html[]> {
  const { header, claims } = jws
  const kind = kindOfJwt(header, claims)
  const now = seconds(context.clock)
  const right = await rightKeys(jws, kind, context, pasted)
  const signed = await verifySignature(jws, right, context, kind === 'dpop_proof')
  const { verified } = signed
  const isOwnAccess = kind === 'access_token' && verified === true && right.own === true
  const state = isOwnAccess ? await stateOfJwt(jws.text, claims, context) : undefined
  const presented: Presented = {
    ...{ kind, typ: header.typ, claims, verified, state, now },
    issuer: context.config.issuer,
  }
  const genuine = verdict(
    verified === undefined ? 'open' : verified ? 'holds' : 'fails',
    signatureWords(signed, right.whose),
  )
  const passes = judged(presented, api)
  return [
    section('kind', kinds[kind].title, paragraph(kinds[kind].about), genuine, passes.verdict),
    section('signature', 'Signature', genuine, stepsView(signed.steps)),
    section('header', 'Header', headerMembers(header, now)),
    section('claims', 'Claims', claimMembers(claims, now, kind), stepsView(claimSteps(jws, kind, now))),
    ...(state ? [stateSection(state)] : []),
    passes.section,
  ]
}

async function handleSections(
  pasted: Extract<Pasted, { form: 'handle' }>,
  api: Asked,
  context: Context,
): Promise<Html[]> {
  const state = await stateOfHandle(pasted, context)
  const now = seconds(context.clock)
  const about = 'It says nothing by itself. What follows is what this provider keeps of it.'
  const presented = { kind: undefined, typ: undefined, claims: state.claims, verified: undefined, state, now }
  return [
    section('kind', state.title, paragraph(about)),
    stateSection(state),
    ...(Object.keys(state.claims).length > 0
      ? [section('claims', 'What is kept of it', claimMembers(state.claims, now, 'access_token'))]
      : []),
    pasted.kind === 'access'
      ? judged({ ...presented, issuer: context.config.issuer }, api).section
      : section(
          'api',
          'At an API',
          verdict('fails', 'It is no access token. It is for this provider alone, and no API may see it.'),
        ),
  ]
}

function encryptedSections(header: Json, context: Context): Html[] {
  const now = seconds(context.clock)
  const { kid } = header
  const own = context.keys.jwks().keys.some((key) => key.use === 'enc' && key.kid === kid)
  const whom = own
    ? `It is encrypted to the key ${textOf(kid)} of this provider.`
    : 'It is encrypted to the holder of another key, or under a secret.'
  const inner =
    typeof header.cty === 'string' && /^(application\/)?jwt$/i.test(header.cty)
      ? 'Another JWT is inside (nested).'
      : 'Its header does not say what is inside.'
  return [
    section(
      'kind',
      'Encrypted token (JWE)',
      verdict('open', `${whom} ${inner}`),
      paragraph(
        'This page decrypts nothing, so that it opens nothing for a reader without the key. The holder of the key decrypts it, and pastes the JWT that is inside.',
      ),
    ),
    section('header', 'Header', headerMembers(header, now)),
  ]
}

/** Empty where nothing was pasted. */
export async function resultOf(asked: Asked, context: Context): Promise<Html[]> {
  const pasted = readPasted(asked.token)
  if (pasted.form === 'empty') return []
  if (pasted.form === 'jws') return jwsSections(pasted, asked, context)
  if (pasted.form === 'handle') return handleSections(pasted, asked, context)
  if (pasted.form === 'jwe') return encryptedSections(pasted.header, context)
  return [
    section(
      'kind',
      'No token that can be read',
      verdict('fails', 'No verifier accepts it.'),
      paragraph(`What is wrong: ${pasted.problem}.`),
    ),
  ]
}
