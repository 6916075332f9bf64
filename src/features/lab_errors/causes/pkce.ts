/** Causes of refused code_verifiers and code_challenges. https://www.rfc-editor.org/rfc/rfc7636#section-4 */
import { compare } from '../compare.ts'
import { type CauseRow, duration, parameter, type Seen, type Remedy } from './cause.ts'

const make: Remedy = {
  text: 'The code_challenge is base64url(SHA-256(ASCII of code_verifier)), without padding:',
  code: [
    "verifier=$(openssl rand -base64 32 | tr '+/' '-_' | tr -d '=')",
    "challenge=$(printf %s \"$verifier\" | openssl dgst -sha256 -binary | openssl base64 | tr '+/' '-_' | tr -d '=')",
  ],
}

const verifierOf = ({ failure }: Seen) => failure.traces.verifier
const challengeOf = ({ failure }: Seen) => failure.traces.history?.issued?.challenge

/** The challenge of the verifier that came, below that of the authorization request. */
const hashes = (seen: Seen) => {
  const [wanted, came] = [challengeOf(seen), verifierOf(seen)?.challenge]
  return wanted && came
    ? compare('code_challenge, and SHA-256 of the code_verifier', wanted, came)
    : undefined
}

type Explained = ReturnType<CauseRow['explain']>

const verifierRow = (name: string, explain: (seen: Seen) => Explained): CauseRow => ({
  name,
  codes: ['invalid_grant'],
  rule: 'RFC 7636 §4.6',
  explain,
})
const challengeRow = (name: string, explain: (challenge: string) => Explained): CauseRow => ({
  name,
  codes: ['invalid_request'],
  rule: 'RFC 7636 §4.2',
  explain: (seen) => explain(parameter(seen, 'code_challenge') ?? ''),
})

export const pkceCauses: readonly CauseRow[] = [
  verifierRow('verifier_missing', (seen) =>
    verifierOf(seen)
      ? undefined
      : {
          certainty: 'proven',
          title: 'The token request has no code_verifier.',
          evidence: ['The authorization request had a code_challenge.'],
          mend: [
            {
              text: 'Keep the verifier between the two requests, in sessionStorage or in the session of the server, and send it as code_verifier.',
            },
          ],
        },
  ),
  verifierRow('verifier_is_challenge', (seen) =>
    verifierOf(seen)?.isChallenge
      ? {
          certainty: 'proven',
          title: 'The code_challenge was sent as the code_verifier.',
          evidence: ['The two are the same text. The verifier is what the challenge is the hash of.'],
          mend: [{ text: 'Send the text from before the hash.' }, make],
        }
      : undefined,
  ),
  verifierRow('verifier_hashed_as_bytes', (seen) =>
    verifierOf(seen)?.hashedBytes
      ? {
          certainty: 'proven',
          title:
            'The code_challenge is the hash of the bytes that the verifier stands for, not of its characters.',
          evidence: ['SHA-256 of the base64url-decoded verifier is the code_challenge.'],
          mend: [make],
          compared: hashes(seen),
        }
      : undefined,
  ),
  verifierRow('verifier_of_other_request', (seen) => {
    const at = verifierOf(seen)?.otherRequestAt
    if (at === undefined || verifierOf(seen)?.challenge === challengeOf(seen)) return undefined
    return {
      certainty: 'proven',
      title: `The code_verifier belongs to another authorization request, which was answered ${duration(seen.failure.at - at)} before.`,
      evidence: [
        'Two sign-ins ran at once, in two tabs or by a component that was mounted twice, and one replaced the verifier of the other.',
      ],
      mend: [
        {
          text: 'Keep each verifier under the state of its request:',
          code: "sessionStorage.setItem('pkce:' + state, verifier)",
        },
      ],
      compared: hashes(seen),
    }
  }),
  verifierRow('verifier_malformed', (seen) => {
    const verifier = verifierOf(seen)
    if (!verifier || verifier.isWellFormed || verifier.isChallenge) return undefined
    return {
      certainty: 'proven',
      title: `The code_verifier has ${verifier.characters} characters, or one that is not allowed.`,
      evidence: ['It has 43 to 128 characters: letters, digits, hyphen, period, underscore and tilde.'],
      mend: [make],
    }
  }),
  verifierRow('verifier_made_anew', (seen) =>
    verifierOf(seen)
      ? {
          certainty: 'likely',
          title: 'The code_verifier is not the one that the code_challenge was made of.',
          evidence: ['Its SHA-256 differs from the code_challenge of the authorization request.'],
          mend: [
            {
              text: 'The verifier was made again on the page of the redirect URI: make it once, before the redirect, and read it afterwards.',
            },
            {
              text: 'A variable of a script ends with its page: use sessionStorage. A server with several processes needs a session that all of them read.',
            },
            make,
          ],
          compared: hashes(seen),
        }
      : undefined,
  ),
  {
    name: 'verifier_without_challenge',
    codes: ['invalid_grant'],
    rule: 'RFC 9700 §4.8.2',
    explain: () => ({
      certainty: 'proven',
      title: 'The authorization request had no code_challenge, and the token request has a code_verifier.',
      evidence: ['A challenge that was lost on the way is a sign of an attack (PKCE downgrade).'],
      mend: [
        {
          text: 'Add both parameters to the authorization request:',
          code: 'code_challenge=…&code_challenge_method=S256',
        },
        make,
      ],
    }),
  },
  challengeRow('challenge_padded', (challenge) =>
    /^[\w+/-]{43}=+$/.test(challenge)
      ? {
          certainty: 'proven',
          title: 'The code_challenge has the padding of base64 (=) at its end.',
          evidence: ['base64url in PKCE has no padding.'],
          mend: [{ text: 'Remove it:', code: ".replace(/=+$/, '')" }, make],
        }
      : undefined,
  ),
  challengeRow('challenge_base64', (challenge) =>
    /^[\w+/ -]{43}=*$/.test(challenge) && /[+/ ]/.test(challenge)
      ? {
          certainty: 'proven',
          title: 'The code_challenge is base64, where base64url is expected.',
          evidence: ['It has + or /, where base64url has - and _.'],
          mend: [make],
        }
      : undefined,
  ),
  challengeRow('challenge_hex', (challenge) =>
    /^[0-9a-f]{64}$/i.test(challenge)
      ? {
          certainty: 'proven',
          title: 'The code_challenge is the hash in hexadecimal digits, where base64url is expected.',
          evidence: ['It has 64 characters of 0 to 9 and a to f.'],
          mend: [make],
        }
      : undefined,
  ),
  {
    name: 'challenge_method_missing',
    codes: ['invalid_request'],
    rule: 'RFC 7636 §4.4.1',
    explain(seen) {
      if (parameter(seen, 'code_challenge') === undefined) return undefined
      const method = parameter(seen, 'code_challenge_method')
      const isSpelling = method?.toUpperCase() === 'S256'
      return {
        certainty: 'proven',
        title:
          method === undefined
            ? 'code_challenge_method is missing, which means plain.'
            : isSpelling
              ? 'code_challenge_method is S256 with a capital S.'
              : `code_challenge_method is ${method}, and this provider accepts S256 alone.`,
        evidence: ['With plain, the authorization request contains the verifier.'],
        mend: [{ text: 'Send:', code: 'code_challenge_method=S256' }, make],
      }
    },
  },
  {
    name: 'challenge_missing',
    codes: ['invalid_request'],
    rule: 'RFC 7636 §4.4.1',
    explain: (seen) =>
      parameter(seen, 'code_challenge') === undefined
        ? {
            certainty: 'proven',
            title: 'The authorization request has no code_challenge: PKCE is required.',
            evidence: [],
            mend: [
              {
                text: 'Turn PKCE on in the library of the client, or make the pair by hand:',
                code: 'latchkey pkce',
              },
              make,
            ],
          }
        : undefined,
  },
]
