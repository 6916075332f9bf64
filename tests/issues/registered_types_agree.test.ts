/** Issue 8, line 77: grant types and response types of a client agree. https://www.rfc-editor.org/rfc/rfc7591#section-2.1 */
import { expect, test } from 'bun:test'
import type { Json } from '../support/client.ts'
import { provider } from '../support/provider.ts'

const op = await provider({
  env: {
    PROFILE: 'classic',
    REGISTRATION: 'open',
    REGISTRATION_ALLOWED_GRANT_TYPES:
      'authorization_code refresh_token implicit client_credentials urn:ietf:params:oauth:grant-type:device_code',
  },
})

async function register(members: Json): Promise<Json> {
  const answer = await op.fetch('/register', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ redirect_uris: ['https://app.example/cb'], ...members }),
  })
  return (await answer.json()) as Json
}

const [code, implicit, service] = ['authorization_code', 'implicit', 'client_credentials']
const device = 'urn:ietf:params:oauth:grant-type:device_code'

test.each<[Json, string[], string[]]>([
  [{}, [code], ['code']],
  [{ grant_types: [code, 'refresh_token'] }, [code, 'refresh_token'], ['code']],
  [{ grant_types: [service] }, [service], []],
  [{ grant_types: [service], redirect_uris: [] }, [service], []],
  [{ grant_types: [device, 'refresh_token'], redirect_uris: [] }, [device, 'refresh_token'], []],
  [{ grant_types: [implicit] }, [implicit], ['id_token', 'id_token token']],
  [{ response_types: ['code'] }, [code], ['code']],
  [{ response_types: ['id_token'] }, [implicit], ['id_token']],
  [{ response_types: ['code id_token'] }, [code, implicit], ['code id_token']],
  [
    { response_types: ['id_token code', 'token id_token'] },
    [code, implicit],
    ['id_token code', 'token id_token'],
  ],
  [{ response_types: [], redirect_uris: [] }, [], []],
  [{ response_types: null, grant_types: [service] }, [service], []],
  [
    { grant_types: [code, implicit], response_types: ['code', 'id_token'] },
    [code, implicit],
    ['code', 'id_token'],
  ],
  [{ grant_types: [code], response_types: [], redirect_uris: [] }, [], []],
  [{ grant_types: [code, implicit], response_types: ['code'] }, [code], ['code']],
  [
    { grant_types: [code, implicit, 'refresh_token'], response_types: ['id_token'] },
    [implicit, 'refresh_token'],
    ['id_token'],
  ],
])(
  '%j: a missing member follows from the other, an idle grant type is dropped',
  async (members, grants, types) => {
    const made = await register(members)
    expect([made.grant_types, made.response_types]).toEqual([grants, types])
  },
)

test.each<[Json]>([
  [{ grant_types: [service], response_types: ['code'] }],
  [{ grant_types: [service], response_types: ['code'], redirect_uris: [] }],
  [{ grant_types: [code], response_types: ['code id_token'] }],
  [{ grant_types: [code], response_types: ['code', 'id_token'] }],
  [{ grant_types: [implicit], response_types: ['code'] }],
])('%j: a contradiction is refused, and the error says what is missing', async (members) => {
  const { error, error_description } = await register(members)
  expect(error).toBe('invalid_client_metadata')
  expect(String(error_description)).toMatch(/grant_types|response_types|redirect_uris/)
})

test('where values that are not offered are left out, the order of a response type does not matter either', async () => {
  const patient = await provider({
    env: { PROFILE: 'classic', REGISTRATION: 'open', REGISTRATION_MISFITS: 'leave_out' },
  })
  const answer = await patient.fetch('/register', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      redirect_uris: ['https://app.example/cb'],
      grant_types: [code, implicit],
      response_types: ['id_token code', 'id_token magic'],
    }),
  })
  expect(((await answer.json()) as Json).response_types).toEqual(['id_token code'])
})
