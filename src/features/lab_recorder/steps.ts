/** The steps of one exchange in words: checks, records of the store, signatures, requests to other servers, lines of the log. */
import { defineView, type Html } from '../../html/view.ts'
import type {
  CheckStep,
  LogStep,
  OutboundStep,
  SignatureStep,
  Step,
  StoreStep,
} from '../../models/recording/recorded.ts'
import { heldBadge, ruleLink, timeText } from './words.ts'
import { written } from '../../lib/unsafe_text.ts'
import { rawMessage } from './raw.ts'

const item = defineView(
  'lab_step',
  '<li class="lab_step"><span class="lab_kind">{{kind}}</span><div>{{main}}</div></li>',
  ['kind', 'main'],
)
const checkView = defineView(
  'lab_check',
  '<p>{{held}} <strong>{{expected}}</strong> <span class="muted">{{rule}}</span></p>{{values}}{{said}}',
  ['held', 'expected', 'rule', 'values', 'said'],
)
const valuesView = defineView(
  'lab_values',
  '<dl class="compared"><dt>Came</dt><dd><code dir="ltr">{{came}}</code></dd>{{wanted}}</dl>',
  ['came', 'wanted'],
)
const wantedView = defineView(
  'lab_wanted',
  '<dt>Compared with</dt><dd><code dir="ltr">{{wanted}}</code></dd>',
  ['wanted'],
)
const plain = defineView('lab_plain', '<p>{{text}}</p>', ['text'])
const codeLine = defineView('lab_code_line', '<p>{{text}} <code dir="ltr">{{code}}</code></p>', [
  'text',
  'code',
])

function checkOf({ held, code, rule, expected, came, wanted, problem, next }: CheckStep): Html {
  // A check that holds without a value was made of what is there, or of what may be left out.
  const hasValues = came !== undefined || (wanted !== undefined && !held)
  return checkView({
    held: heldBadge(held),
    expected: written(expected),
    rule: ruleLink(rule),
    values: hasValues
      ? valuesView({
          came: came === undefined ? 'nothing' : written(came),
          wanted: wanted === undefined ? [] : wantedView({ wanted: written(wanted) }),
        })
      : [],
    said: held
      ? []
      : [
          codeLine({ text: 'The error code is', code: written(code) }),
          ...[problem, next].flatMap((text) => (text === undefined ? [] : plain({ text: written(text) }))),
        ],
  })
}

const verbs: Readonly<Record<string, readonly [did: string, didNot: string]>> = {
  get: ['Read', 'Looked for, and did not find,'],
  put: ['Wrote', 'Wrote'],
  create: ['Wrote for the first time', 'Found already written'],
  replace: ['Replaced', 'Did not replace, because it had changed,'],
  take: ['Read and deleted', 'Looked for, and did not find,'],
  increment: ['Counted', 'Counted'],
  link: ['Added to the index', 'Added to the index'],
  unlink: ['Removed from the index', 'Removed from the index'],
  range: ['Read the index', 'Read the index'],
  trim: ['Trimmed the index', 'Trimmed the index'],
}

function storeOf({ verb, of, held = true, ttl, at }: StoreStep, began: number): Html {
  const [did, didNot] = verbs[verb] ?? [verb, verb]
  const gone = ttl === undefined ? '' : `It is gone at ${timeText(began + at + ttl)}, after ${duration(ttl)}.`
  return storeView({ did: held ? did : didNot, of, gone })
}
const storeView = defineView('lab_store', '<p>{{did}} <code dir="ltr">{{of}}</code>. {{gone}}</p>', [
  'did',
  'of',
  'gone',
])

const duration = (ms: number): string => {
  const seconds = Math.round(ms / 1000)
  if (seconds < 120) return `${seconds} s`
  return seconds < 7_200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3_600)} h`
}

const signatureView = defineView('lab_signature', '<ol class="lab_verified">{{lines}}</ol>', ['lines'])
const signatureLine = defineView('lab_signature_line', '<li>{{text}}</li>', ['text'])

/** Where the key of a signature was looked for, and what it does. */
const keysOf: Readonly<Record<SignatureStep['whose'], readonly [found: string, verifies: string]>> = {
  provider: ['is looked for among the keys of this provider', 'with the public key'],
  client: ['is looked for among the public keys that the client registered', 'with the public key'],
  client_secret: ['is the client_secret, which both sides know', 'as a MAC with the secret'],
  issuer: ['is looked for among the keys of the issuer that this provider trusts', 'with the public key'],
  header: ['stands in the header: the client proves that it has the private half', 'with that public key'],
}

function signatureOf({ kind, held, kid, alg, token, whose }: SignatureStep): Html {
  const [found, verifies] = keysOf[whose]

  const lines =
    kind === 'signed'
      ? [
          `The header names the algorithm ${alg} and the key ${kid}.`,
          'Header and claims are encoded as base64url and joined by a dot.',
          'The private key of that name signs this text. The signature is the third part.',
        ]
      : token === undefined
        ? ['The text is no JWT: it has no header and no claims that can be read.']
        : [
            `The header names the algorithm ${alg || 'of none'} and ${kid === '' ? 'no key' : `the key ${kid}`}.`,
            `The key ${found}, and must be for that algorithm.`,
            `The signature, the third part, is verified over the first two parts ${verifies}.`,
            held
              ? 'It holds, and the type, the audience and the times of the token are those that are expected here.'
              : 'It does not hold: the key is unknown, the signature is of another text, or the type, the audience or a time of the token is another one.',
          ]
  return signatureView({ lines: lines.map((text) => signatureLine({ text: written(text) })) })
}

const outboundView = defineView(
  'lab_outbound',
  '<p>{{text}}</p><details><summary>Request and answer</summary>{{raw}}</details>',
  ['text', 'raw'],
)

function outboundOf({ purpose, sent, answer }: OutboundStep): Html {
  const end = 'problem' in answer ? answer.problem : `status ${answer.status}`
  return outboundView({
    text: written(`Asked another server (${purpose}): ${end}.`),
    raw: [
      rawMessage('Request to the other server', `${sent.method} ${sent.url}`, sent),
      ...('problem' in answer ? [] : [rawMessage('Its answer', `${answer.status}`, answer)]),
    ],
  })
}

const logOf = ({ level, event, fields }: LogStep): Html =>
  codeLine({ text: `Log, ${level}: ${event}`, code: written(fields) })

export const stepOf = (step: Step, began: number): Html =>
  step.job === undefined
    ? partOf(step, began)
    : item({
        kind: 'later',
        main: [
          plain({ text: written(`The job ${step.job}, ${duration(step.at)} after the request:`) }),
          ...mainOf(step, began),
        ],
      })

const partOf = (step: Step, began: number): Html =>
  item({ kind: step.kind === 'outbound' ? 'server' : step.kind, main: mainOf(step, began) })

function mainOf(step: Step, began: number): Html[] {
  switch (step.kind) {
    case 'check':
      return [checkOf(step)]
    case 'store':
      return [storeOf(step, began)]
    case 'outbound':
      return [outboundOf(step)]
    case 'log':
      return [logOf(step)]
    case 'signed':
    case 'verified':
      return [...badgeOf(step), signatureOf(step)]
  }
}

const badgeOf = (step: SignatureStep): Html[] =>
  step.kind === 'verified' ? [plain({ text: heldBadge(step.held) })] : []
