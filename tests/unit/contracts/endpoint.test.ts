/** What an endpoint may declare: its methods are its members, and a page with a form says how the form is checked. */
import { expect, test } from 'bun:test'
import { defineEndpoint, type Endpoint } from '../../../src/contracts/endpoint.ts'
import { createRouter } from '../../../src/http/router.ts'
import { methodsOf } from '../../../src/lib/http_method.ts'
import type { Call } from '../../../src/contracts/call.ts'
import type { Context } from '../../../src/contracts/context.ts'
import type { Reply } from '../../../src/contracts/reply.ts'

const reply = (status: number): Reply => ({ status, body: null, headers: {} })
const call = {} as Call
const context = {} as Context
const named = { name: 'example', path: '/example' }

test('methods follow from the members, in one order', () => {
  const answer = () => reply(200)
  expect(methodsOf({ delete: answer, put: answer, post: answer, get: answer })).toEqual([
    'GET',
    'POST',
    'PUT',
    'DELETE',
  ])
  expect(methodsOf({})).toEqual([])
  const { find } = createRouter([
    defineEndpoint({ ...named, get: answer, aliases: ['/other'] }),
    defineEndpoint({ ...named, name: 'below', path: '/below/*', post: answer }),
  ])
  expect([...find('/other')!.answers.keys()]).toEqual(['GET', 'HEAD'])
  expect([...find('/below/deep')!.answers.keys()]).toEqual(['POST'])
  expect(find('/nothing')).toBeUndefined()
  expect(() =>
    createRouter([defineEndpoint({ ...named, get: answer }), defineEndpoint({ ...named, post: answer })]),
  ).toThrow('two endpoints claim /example')
})

test('post is called with what the form reader has found, and not at all with its reply', async () => {
  const seen: unknown[] = []
  const endpoint = (found: { fields: Record<string, string>; who: string } | { reply: Reply }): Endpoint =>
    defineEndpoint({
      ...named,
      page: true,
      form: async () => found,
      post(_call, _context, { fields, who }) {
        seen.push([fields, who])
        return reply(200)
      },
    })
  const fields = { reply: 'a field of this name is no reply' }
  expect((await endpoint({ fields, who: 'alice' }).post!(call, context)).status).toBe(200)
  expect(seen).toEqual([[fields, 'alice']])
  expect((await endpoint({ reply: reply(303) }).post!(call, context)).status).toBe(303)
  expect(seen).toHaveLength(1)
})

test('post is not called when the form reader throws', async () => {
  let called = false
  const endpoint = defineEndpoint({
    ...named,
    page: true,
    form: async (): Promise<{ fields: Record<string, string> }> => {
      throw new Error('not our form')
    },
    post() {
      called = true
      return reply(200)
    },
  })
  await expect(endpoint.post!(call, context)).rejects.toThrow('not our form')
  expect(called).toBe(false)
})

test('a page that takes a form and does not say how it is checked does not compile', () => {
  // @ts-expect-error: no form checks a PUT, and no browser sends one
  defineEndpoint({ ...named, page: true, put: () => reply(200) })
  // @ts-expect-error: `form` is missing
  defineEndpoint({ ...named, page: true, post: () => reply(200) })
  // @ts-expect-error: the fields themselves are no result of a check; a field named `reply` would be taken for an answer
  defineEndpoint({ ...named, page: true, form: async () => ({ a: 'b' }), post: () => reply(200) })
  defineEndpoint({
    ...named,
    page: true,
    form: async () => ({ fields: {} }),
    // @ts-expect-error: the reader has found no session
    post: (_call, _context, { session }) => reply(session ? 200 : 303),
  })
  expect(methodsOf(defineEndpoint({ ...named, post: () => reply(200) }))).toEqual(['POST'])
})
