/** A response that cannot be given leaves nothing behind: no grant that waits for somebody to redeem it. https://openid.net/specs/oauth-v2-multiple-response-types-1_0.html */
import { expect, test } from 'bun:test'
import { Grant } from '../../src/models/grant.ts'
import { browser, demo, open, operatorClient, post } from '../support/flow.ts'
import { alice } from '../support/person.ts'
import { type Provider, provider } from '../support/provider.ts'

const redirect_uri = 'https://rp.example/cb'

const signedIn = async (op: Provider) => {
  const who = browser(op)
  const login = await who.open(`${op.issuer}/device`)
  await who.press(login.page!, 'login', alice)
  return who
}

test.each(['code token', 'id_token token'])(
  '%s for a client whose tokens are bound to a key',
  async (response_type) => {
    const op = await provider({ env: { IMPLICIT_AND_HYBRID: 'on' } })
    const client = await operatorClient(op, {
      client_id: 'bound',
      redirect_uris: [redirect_uri],
      response_types: [response_type],
      grant_types: ['authorization_code', 'implicit'],
      dpop_bound_access_tokens: true,
      first_party: true,
    })
    const who = await signedIn(op)
    const { location } = await open(op, who, { response_type }, client)
    expect(new URLSearchParams(location!.hash.slice(1)).get('error')).toBe('unauthorized_client')
    expect(await Grant.listOfUser(op.context, 'user-alice')).toEqual([])
  },
)

test('a response that should be encrypted and has no key', async () => {
  const op = await provider()
  const client = await operatorClient(op, {
    client_id: 'keyless',
    redirect_uris: [redirect_uri],
    authorization_encrypted_response_alg: 'ECDH-ES',
    first_party: true,
  })
  const who = await signedIn(op)
  expect((await open(op, who, { response_mode: 'jwt' }, client)).page!.status).toBe(400)
  expect(await Grant.listOfUser(op.context, 'user-alice')).toEqual([])
})

test('the token endpoint names the grant types that it takes, and implicit is none', async () => {
  for (const PROFILE of ['oauth21', 'classic']) {
    const op = await provider({ env: { PROFILE } })
    for (const grant_type of ['implicit', 'password', '']) {
      const { status, body } = await post(op, '/token', demo, { grant_type })
      expect([status, body.error]).toEqual([400, grant_type ? 'unsupported_grant_type' : 'invalid_request'])
      const [named] = String(body.error_description).split(', got')
      expect(named).toContain('authorization_code')
      expect(named).not.toContain('implicit')
    }
  }
})
