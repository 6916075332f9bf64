/** What tests of backchannel authentication share: a client, its request, its notification endpoint, and a person who answers. */
import { Client, makeClient } from '../../src/models/client.ts'
import { type ClientMembers, formPost, type Json, type TestClient } from './client.ts'
import { alice, type Page, type Person, person } from './person.ts'
import { type Provider, provider, type ProviderOptions } from './provider.ts'
import { until } from './until.ts'

export const grant_type = 'urn:openid:params:grant-type:ciba'
export const bank: TestClient = { client_id: 'bank', client_secret: 'bank secret', redirect_uri: '' }

/** Registered by an operator; poll unless `metadata` says otherwise. */
export async function addClient(op: Provider, metadata: Json = {}, client = bank): Promise<void> {
  const members: ClientMembers & { client_id: string } = {
    client_id: client.client_id,
    client_name: 'Corner bank',
    grant_types: [grant_type, 'refresh_token'],
    response_types: [],
    scope: 'openid profile email',
    backchannel_token_delivery_mode: 'poll',
    ...metadata,
  }
  const made = makeClient(op.context, members, client.client_secret)
  await Client.create(op.context, made.client)
}

export async function start(options: ProviderOptions = {}, metadata: Json = {}): Promise<Provider> {
  const op = await provider(options)
  await addClient(op, metadata)
  return op
}

export interface Answered {
  status: number
  body: Json & { auth_req_id: string; error?: string }
}

const answered = async (response: Response): Promise<Answered> => ({
  status: response.status,
  body: (await response.json()) as Answered['body'],
})

/** The request of the bank for alice; `undefined` takes a parameter out. */
export async function begin(
  op: Provider,
  more: Record<string, string | undefined> = {},
  client = bank,
): Promise<Answered> {
  const fields = { scope: 'openid profile', login_hint: 'alice', ...more }
  const given = Object.entries(fields).filter((each): each is [string, string] => each[1] !== undefined)
  return answered(await op.fetch('/bc-authorize', formPost(client, Object.fromEntries(given))))
}

export const poll = async (op: Provider, auth_req_id: string, client = bank): Promise<Answered> =>
  answered(await op.fetch('/token', formPost(client, { grant_type, auth_req_id })))

/** The approvals page as this person sees it, signed in first where that is needed. */
export async function approvals(visitor: Person, who = alice): Promise<Page> {
  const landing = await visitor.open('approvals')
  const page = landing.page!
  const atLogin = page.forms.some((form) => form.buttons.includes('login'))
  return atLogin ? (await visitor.press(page, 'login', who)).page! : page
}

/** Signs in on a fresh browser and answers the request that ends soonest. */
export async function settle(op: Provider, button: 'allow' | 'deny' = 'allow', who = alice): Promise<Page> {
  const visitor = person(op.issuer, op.fetch)
  return (await visitor.press(await approvals(visitor, who), button)).page!
}

export interface Received {
  authorization: string | null
  headers: Headers
  text: string
  body: Json
}

export interface Receiver {
  url: string
  /** For OUTBOUND_ALLOW_HOSTS. */
  host: string
  received: Received[]
  /** Resolves once so many have come; rejects after a minute. */
  until(count: number): Promise<Received[]>
  stop(): void
}

/** The notification endpoint of a client, a server that takes POST; `respond` makes the response to the nth request. */
export function receiver(
  respond: (nth: number) => Response | Promise<Response> = () => new Response(null, { status: 204 }),
): Receiver {
  const received: Received[] = []
  const server = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    async fetch(request) {
      const text = await request.text()
      const { headers } = request
      const body = JSON.parse(text) as Json
      const nth = received.push({ authorization: headers.get('authorization'), headers, text, body })
      return respond(nth)
    },
  })
  return {
    url: `http://127.0.0.1:${server.port}/heard`,
    host: `127.0.0.1:${server.port}`,
    received,
    async until(count) {
      await until(() => received.length >= count, `${count} requests`)
      return received
    },
    stop: () => void server.stop(true),
  }
}

/** What each instance does every few seconds. */
export async function runJob(op: Provider): Promise<void> {
  await op.context.table.jobs.find((job) => job.name === 'backchannel_deliveries')!.run(op.context)
}
