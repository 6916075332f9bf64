/** Causes of refused client secrets. https://www.rfc-editor.org/rfc/rfc6749#section-2.3.1 */
import { type CauseRow, type Seen, type Remedy, word } from './cause.ts'

const codes = ['invalid_client']

const newSecret = ({ failure, client }: Seen): Remedy => ({
  text: 'A secret that is lost is replaced. The one before holds for another day:',
  code: `latchkey client secret ${word(client?.client_id ?? failure.clientId ?? 'CLIENT_ID')}`,
})

/** Why a secret was wrong, by the reading that makes it right (traces.ts). */
const readings: readonly { name: string; reading: string; title: string; mend: readonly Remedy[] }[] = [
  {
    name: 'secret_with_spaces',
    reading: 'with spaces around it',
    title:
      'The client_secret has a space or a line break at its beginning or its end. Without it, it is right.',
    mend: [
      {
        text: 'A file that is read whole has a line break at its end. In a shell:',
        code: 'CLIENT_SECRET=$(cat secret.txt)',
      },
      { text: 'In a program, cut it where it is read:', code: 'secret.trim()' },
    ],
  },
  {
    name: 'secret_with_quotes',
    reading: 'with quotation marks around it',
    title: 'The client_secret has quotation marks around it. Without them, it is right.',
    mend: [{ text: 'docker --env-file and systemd take quotation marks as part of the value: remove them.' }],
  },
  {
    name: 'secret_not_encoded',
    reading: 'with a plus sign that was not percent-encoded',
    title: 'The client_secret has a plus sign that was not percent-encoded: in a form it stands for a space.',
    mend: [
      {
        text: 'Encode the values of a form (RFC 6749 §2.3.1, appendix B):',
        code: 'curl --data-urlencode "client_secret=$CLIENT_SECRET" …',
      },
      { text: 'In a program:', code: 'new URLSearchParams({ client_secret: secret })' },
    ],
  },
  {
    name: 'secret_encoded_twice',
    reading: 'percent-encoded twice',
    title: 'The client_secret is percent-encoded twice.',
    mend: [{ text: 'A library encodes it already: give it the secret as it is.' }],
  },
  {
    name: 'secret_replaced',
    reading: 'the one before, which no longer holds',
    title: 'The client_secret is the one before: it was replaced, and its time is over.',
    mend: [{ text: 'Give the client the new secret, and start it again.' }],
  },
]

export const secretCauses: readonly CauseRow[] = [
  ...readings.map(({ name, reading, title, mend }): CauseRow => ({
    name,
    codes,
    explain: ({ failure }) =>
      failure.traces.secret?.readings.includes(reading)
        ? {
            certainty: 'proven',
            title,
            evidence: ['The client and its method are right.'],
            mend,
          }
        : undefined,
  })),
  {
    name: 'id_and_secret_swapped',
    codes,
    explain: ({ failure }) =>
      failure.traces.secret?.isClientId
        ? {
            certainty: 'proven',
            title: 'client_id and client_secret are swapped.',
            evidence: ['The value that came as the secret is the client_id of a registered client.'],
            mend: [
              { text: 'Swap the two in the configuration of the client.' },
              {
                text: 'What came as client_id may be a secret, and logs have it: replace the secret.',
                code: 'latchkey client secret CLIENT_ID',
              },
            ],
          }
        : undefined,
  },
  {
    name: 'secret_wrong',
    codes,
    explain(seen) {
      const { failure, client } = seen
      const { secret } = failure.traces
      if (
        !client ||
        !secret ||
        secret.readings.length > 0 ||
        !/client_secret of this client/.test(failure.expected)
      )
        return undefined
      return {
        certainty: 'likely',
        title: `The client_secret is not that of ${client.client_id}.`,
        evidence: [
          'No known mistake of spelling makes it right: it is the secret of another client, of another environment, or an old one.',
        ],
        mend: [newSecret(seen)],
      }
    },
  },
]
