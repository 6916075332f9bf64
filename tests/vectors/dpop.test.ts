/** The proofs that RFC 9449 prints. https://www.rfc-editor.org/rfc/rfc9449 */
import { expect, test } from 'bun:test'
import { sha256 } from '../../src/lib/hash.ts'
import { claimsOf, demo, formPost, type Json } from '../support/client.ts'
import { provider, turnableClock } from '../support/provider.ts'
import vectors from './rfc9449.json' with { type: 'json' }

test('§4.1 Figure 2: taken at its time and place, once, and bound to by its thumbprint', async () => {
  const { proof, issuer, iat, jkt } = vectors['§4.1 Figure 2: a DPoP proof']
  const send = async (at: number, ISSUER_URL: string) => {
    const op = await provider({ clock: turnableClock(at * 1000), env: { ISSUER_URL } })
    const answers = []
    for (let i = 0; i < 2; i++) {
      const answer = await op.fetch(
        '/token',
        formPost(demo, { grant_type: 'client_credentials' }, { dpop: proof }),
      )
      answers.push((await answer.json()) as Json)
    }
    return answers
  }
  const [first, second] = await send(iat + 5, issuer)
  expect(first!.token_type).toBe('DPoP')
  expect(claimsOf(first!.access_token).cnf).toEqual({ jkt })
  expect(second!.error).toBe('invalid_dpop_proof')
  expect((await send(iat + 600, issuer))[0]!.error).toBe('invalid_dpop_proof')
  expect((await send(iat, 'https://other.example.com'))[0]!.error).toBe('invalid_dpop_proof')
})

test('§7.1: ath is the SHA-256 of the access token', () => {
  const { access_token, ath } = vectors['§7.1 Figure 12: an access token and its ath']
  expect(sha256(access_token)).toBe(ath)
})
