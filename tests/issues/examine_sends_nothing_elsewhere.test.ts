/** `latchkey examine --register` sent its DELETE, with a token, to whatever registration_client_uri the provider named. */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { register } from '../../src/cli/examine/register.ts'
import { look } from '../../src/cli/examine/sight.ts'
import { type Examined, examined } from '../support/examined.ts'

let place: Examined
const asked: string[] = []
beforeAll(async () => {
  place = await examined()
  const { fetch } = place.reach
  place.reach.fetch = (url, init) => {
    asked.push(`${init?.method ?? 'GET'} ${url}`)
    return fetch(url, init)
  }
})
afterAll(() => place.stop())

const registered = async (registration_client_uri?: string) => {
  place.disturb(async (_, answer) => {
    if (answer.status !== 201 || !registration_client_uri) return answer
    const members = (await answer.json()) as object
    return Response.json({ ...members, registration_client_uri }, { status: 201 })
  })
  const made = await register(await look(place.issuer, place.reach), undefined)
  asked.splice(0)
  return made
}

test('at the origin of the issuer the client is removed', async () => {
  await (
    await registered()
  ).remove!()
  expect(asked).toEqual([expect.stringMatching(/^DELETE http:\/\/localhost:\d+\/register\//)])
})

test.each([
  ['another host', () => 'https://collects.example/register/x'],
  ['another port', () => 'http://localhost:1/register/x'],
  ['another scheme', () => place.issuer.replace('http:', 'https:')],
  ['a name in front of the host', () => 'https://localhost@collects.example/x'],
  ['no URL', () => '/register/x'],
])('%s gets nothing, and the refusal names the client', async (_, uri) => {
  const { remove, client } = await registered(uri())
  await expect(remove!()).rejects.toThrow(`client ${client.client_id} was not removed`)
  expect(asked).toEqual([])
})
