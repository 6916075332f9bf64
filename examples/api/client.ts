/** A program that uses the API with a token that is bound to its key. A copy of the token, sent without the key, is refused. */
import { createProvingFetch } from './proving_fetch.ts'

const {
  API = 'http://localhost:9000',
  ISSUER = 'http://localhost:5000',
  CLIENT_ID = 'reader',
  CLIENT_SECRET = 'a-secret-for-this-machine',
} = process.env

const send = await createProvingFetch()
const answer = await send(`${ISSUER}/token`, {
  method: 'POST',
  headers: { authorization: `Basic ${btoa(`${CLIENT_ID}:${CLIENT_SECRET}`)}` },
  body: new URLSearchParams({ grant_type: 'client_credentials', resource: API }),
})
const { access_token: token, token_type } = (await answer.json()) as Record<string, string>
if (token === undefined) throw new Error(`the provider gave no token: status ${answer.status}`)
console.log(`The provider gave a token of the type ${token_type}`)

const body = JSON.stringify({ text: 'a note' })
const added = await send(`${API}/notes`, { method: 'POST', body, token })
console.log(`With a proof: POST /notes ${added.status}`)
const read = await send(`${API}/notes`, { token })
console.log(`With another proof: GET /notes ${read.status} ${await read.text()}`)

const stolen = await fetch(`${API}/notes`, { headers: { authorization: `Bearer ${token}` } })
console.log(`The token alone, as a thief has it: GET /notes ${stolen.status}`)
