/** The page at the connection: gets a ticket, connects, renews before the end, and comes back after a break. */
import { codes, type FromPage, type ToPage } from './messages.ts'

const element = <T extends HTMLElement>(id: string): T => document.getElementById(id) as T
const csrf = document.querySelector<HTMLMetaElement>('meta[name=csrf]')?.content ?? ''
const mostLines = 50

const state = (text: string): void => {
  element('connection').textContent = text
}

/** The server says that the session is over: then there is nothing to try again. */
class SignedOut extends Error {}

async function ticketFor(purpose: 'connect' | 'renew'): Promise<string> {
  const answer = await fetch('/tickets', {
    method: 'POST',
    headers: { 'x-csrf': csrf, 'content-type': 'application/json' },
    body: JSON.stringify({ purpose }),
  })
  if (answer.status === 401 || answer.status === 403) throw new SignedOut()
  if (!answer.ok) throw new Error(`status ${answer.status}`)
  const { ticket } = (await answer.json()) as { ticket: string }
  return ticket
}

let socket: WebSocket | undefined
let renewal: ReturnType<typeof setTimeout> | undefined
let failures = 0

const send = (message: FromPage): void => socket?.send(JSON.stringify(message))

/** At two thirds of the time, so that a first try that fails leaves time for another one. */
function renewIn(ms: number): void {
  clearTimeout(renewal)
  renewal = setTimeout(() => void renew().catch(() => renewIn(ms / 3)), (ms * 2) / 3)
}

async function renew(): Promise<void> {
  try {
    send({ type: 'renew', ticket: await ticketFor('renew') })
  } catch (error) {
    if (!(error instanceof SignedOut)) throw error
    over()
  }
}

function over(): void {
  clearTimeout(renewal)
  socket?.close()
  socket = undefined
  element('say').hidden = true
  element('status').textContent = 'Your session has ended'
  state('Not connected. Load the page again to sign in.')
}

/** Text of others is text, and never HTML. */
function said(by: string, text: string): void {
  const item = document.createElement('li')
  item.textContent = `${by}: ${text}`
  const list = element('said')
  list.append(item)
  while (list.children.length > mostLines) list.firstElementChild?.remove()
}

function heard(message: ToPage): void {
  if (message.type === 'reading') element('reading').textContent = message.value.toFixed(1)
  else if (message.type === 'said') said(message.by, message.text)
  else if (message.type === 'error') state('Connected, but the renewal was refused')
  else {
    failures = 0
    state(message.type === 'welcome' ? 'Connected' : 'Connected, and renewed')
    element('say').hidden = false
    renewIn(message.expires_in)
  }
}

/** 1, 2, 4 … 30 seconds, each with some chance: the pages of a server that restarts do not all come at once. */
function again(): void {
  clearTimeout(renewal)
  element('say').hidden = true
  state('Not connected. Trying again …')
  const ms = Math.min(2 ** failures++, 30) * 1000 * (0.5 + Math.random())
  setTimeout(() => void connect(), ms)
}

async function connect(): Promise<void> {
  try {
    const ticket = await ticketFor('connect')
    const own = new WebSocket(`${location.origin.replace(/^http/, 'ws')}/live?ticket=${ticket}`)
    socket = own
    own.addEventListener('message', ({ data }) => heard(JSON.parse(String(data)) as ToPage))
    own.addEventListener('close', ({ code }) => {
      if (socket !== own) return // this page closed it
      if (code === codes.ended) over()
      else again()
    })
  } catch (error) {
    if (error instanceof SignedOut) over()
    else again()
  }
}

if (document.getElementById('say')) {
  element('say').addEventListener('submit', (event) => {
    event.preventDefault()
    const input = element<HTMLInputElement>('text')
    send({ type: 'say', text: input.value })
    input.value = ''
  })
  void connect()
}
