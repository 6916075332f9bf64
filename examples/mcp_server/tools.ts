/** The least of the Model Context Protocol: one tool, called with JSON-RPC. https://modelcontextprotocol.io/specification/2025-11-25/server/tools */
import type { Caller } from '../api/caller.ts'

interface Message {
  jsonrpc: '2.0'
  /** None: a notification, which has no answer. */
  id?: number | string
  method: string
  params?: { name?: string; protocolVersion?: string }
}

const tool = {
  name: 'whoami',
  description: 'Says who you are to this server',
  inputSchema: { type: 'object', properties: {} },
}

type Method = (params: NonNullable<Message['params']>, caller: Caller) => unknown

const methods: Readonly<Record<string, Method>> = {
  initialize: ({ protocolVersion = '2025-11-25' }) => ({
    protocolVersion,
    capabilities: { tools: {} },
    serverInfo: { name: 'latchkey-example', version: '1.0.0' },
  }),
  ping: () => ({}),
  'tools/list': () => ({ tools: [tool] }),
  'tools/call': ({ name }, { sub, client_id }) =>
    name === tool.name
      ? { content: [{ type: 'text', text: `You are ${sub}, and ${client_id} asks for you.` }] }
      : { content: [{ type: 'text', text: `There is no tool ${name}.` }], isError: true },
}

export async function answer(request: Request, caller: Caller): Promise<Response> {
  const message = (await request.json().catch(() => undefined)) as Message | undefined
  if (message?.jsonrpc !== '2.0' || typeof message.method !== 'string')
    return failure(message?.id, -32600, 'expected one JSON-RPC 2.0 message')
  if (message.id === undefined) return new Response(null, { status: 202 })
  const method = Object.hasOwn(methods, message.method) ? methods[message.method] : undefined
  if (!method) return failure(message.id, -32601, 'no such method')
  return Response.json({ jsonrpc: '2.0', id: message.id, result: method(message.params ?? {}, caller) })
}

const failure = (id: Message['id'], code: number, message: string) =>
  Response.json({ jsonrpc: '2.0', id: id ?? null, error: { code, message } }, { status: 400 })
