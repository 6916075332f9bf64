/** A token of an exchange, decoded: each member of its header and each claim with what it means. */
import { claimMeaning, headerMeaning, type TokenKind } from '../../auth/claim_meanings.ts'
import type { Claims } from '../../auth/jws.ts'
import { defineView, type Html } from '../../html/view.ts'
import type { ReadToken } from '../../models/recording/recorded.ts'
import { ruleLink, timeText } from './words.ts'
import { written } from '../../lib/unsafe_text.ts'

const table = defineView(
  'lab_token',
  '<details><summary>Token <code dir="ltr">{{where}}</code>, decoded</summary><div class="table_scroll" tabindex="0" role="region" aria-label="Claims of {{where}}"><table class="data"><thead><tr><th scope="col">Member</th><th scope="col">Value</th><th scope="col">Meaning</th></tr></thead><tbody>{{rows}}</tbody></table></div></details>',
  ['where', 'rows'],
)
const row = defineView(
  'lab_claim',
  '<tr><th scope="row">{{name}}</th><td data-title="Value"><code dir="ltr">{{value}}</code> {{time}}</td><td data-title="Meaning"><span>{{about}} {{rule}}</span></td></tr>',
  ['name', 'value', 'time', 'about', 'rule'],
)

const kindOf = (where: string, { header, claims }: ReadToken): TokenKind | undefined => {
  if (header.typ === 'at+jwt' || claims.token_use === 'access') return 'access_token'
  if (header.typ === 'dpop+jwt') return 'dpop_proof'
  if (header.typ === 'logout+jwt') return 'logout_token'
  return kindsOfParameters[where]
}

const kindsOfParameters: Readonly<Record<string, TokenKind>> = {
  client_assertion: 'client_assertion',
  id_token: 'id_token',
  id_token_hint: 'id_token',
  request: 'request_object',
  response: 'authorization_response',
}

const times = new Set(['exp', 'iat', 'nbf', 'auth_time', 'updated_at'])

const rows = (
  members: Claims,
  meaning: (name: string) => { about: string; rule: string } | undefined,
): Html[] =>
  Object.entries(members)
    .slice(0, 60)
    .map(([name, value]) => {
      const { about, rule } = meaning(name) ?? { about: 'No specification here defines it.', rule: '' }
      const time = times.has(name) && typeof value === 'number' ? timeText(value * 1000).slice(0, 19) : ''
      return row({
        name: written(name),
        value: written(JSON.stringify(value)),
        time,
        about,
        rule: ruleLink(rule),
      })
    })

export const tokenTable = (where: string, token: ReadToken): Html =>
  table({
    where: written(where),
    rows: [
      ...rows(token.header, headerMeaning),
      ...rows(token.claims, (name) => claimMeaning(name, kindOf(where, token))),
    ],
  })
