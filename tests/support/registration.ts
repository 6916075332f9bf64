/** Requests to the registration endpoints, read. */
import { type Answer, read } from './flow.ts'
import type { Json, TestClient } from './client.ts'
import type { Provider } from './provider.ts'

const asJson = { 'content-type': 'application/json' }

export const register = async (op: Provider, body: unknown, headers: Record<string, string> = {}) =>
  read(
    await op.fetch('/register', {
      method: 'POST',
      body: JSON.stringify(body),
      headers: { ...asJson, ...headers },
    }),
  )

/** 201, or the test ends here. */
export async function registered(op: Provider, body: unknown): Promise<Json> {
  const answer = await register(op, body)
  if (answer.status !== 201) throw new Error(`not registered: ${answer.status} ${answer.text}`)
  return answer.body
}

export const asClient = (body: Json): TestClient => ({
  client_id: String(body.client_id),
  redirect_uri: (body.redirect_uris as string[])[0]!,
  ...(typeof body.client_secret === 'string' && { client_secret: body.client_secret }),
})

/** A request to the client configuration endpoint with `token`, or without one. */
export const manage = async (
  op: Provider,
  method: 'GET' | 'PUT' | 'DELETE' | 'POST',
  { client_id }: { client_id?: unknown },
  token: unknown,
  body?: unknown,
): Promise<Answer> =>
  read(
    await op.fetch(`/register/${client_id}`, {
      method,
      headers: {
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
        ...(body !== undefined && asJson),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    }),
  )
