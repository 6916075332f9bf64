/** A program at the stream: it has no browser and no session, and gets its ticket with an access token. It prints one reading and ends. */
import { createProvingFetch } from '../api/proving_fetch.ts'
import type { ToPage } from './messages.ts'

const { APP = 'http://localhost:9300', ISSUER = 'http://localhost:5000' } = process.env
const { CLIENT_ID = 'display', CLIENT_SECRET = 'a-secret-for-this-machine' } = process.env

const send = await createProvingFetch()
const tokens = await send(`${ISSUER}/token`, {
  method: 'POST',
  headers: { authorization: `Basic ${btoa(`${CLIENT_ID}:${CLIENT_SECRET}`)}` },
  body: new URLSearchParams({ grant_type: 'client_credentials', resource: `${APP}/live` }),
})
const { access_token: token = '' } = (await tokens.json()) as { access_token?: string }
const answer = await send(`${APP}/tickets`, {
  method: 'POST',
  token,
  body: JSON.stringify({ purpose: 'connect' }),
})
const { ticket } = (await answer.json()) as { ticket: string }
console.log(`A ticket: ${answer.status}`)

const address = `${APP.replace(/^http/, 'ws')}/live?ticket=${ticket}`
const socket = new WebSocket(address)
await new Promise<void>((resolve, reject) => {
  socket.addEventListener('error', () => reject(new Error('no connection')))
  socket.addEventListener('message', ({ data }) => {
    const message = JSON.parse(String(data)) as ToPage
    console.log(`The server says: ${message.type}`)
    if (message.type === 'reading') resolve()
  })
})
socket.close()

// The ticket has opened one connection. A copy of it, from a log or a history, opens none.
const headers = { upgrade: 'websocket', connection: 'Upgrade' }
const again = await fetch(`${APP}/live?ticket=${ticket}`, { headers })
console.log(`The same ticket again: ${again.status}`)
