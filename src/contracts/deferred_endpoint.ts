/** An endpoint whose module is loaded by its first request: until then only its head is known. bench/README.md, "Where a start goes" */
import { type HttpMethod, memberOf } from '../lib/http_method.ts'
import { lazy } from '../lib/lazy.ts'
import type { Answer, Endpoint, Head } from './endpoint.ts'

/** What the router, discovery and the headers ask of an endpoint, before and after its module is there. */
export interface DeferredHead extends Head {
  page?: boolean
  methods: readonly HttpMethod[]
  /** True for a page with a form. */
  hasForm?: boolean
}

/** `load` gives the whole endpoint, whose head is the same: tests/unit/contracts/deferred_endpoint.test.ts compares them. */
export function deferEndpoint(
  { methods, hasForm, ...head }: DeferredHead,
  load: () => Promise<Endpoint>,
): Endpoint {
  const whole = lazy(load)
  const answers = methods.map((method): [string, Answer] => {
    const member = memberOf[method]
    return [member, async (call, context) => (await whole())[member]!(call, context)]
  })
  return {
    ...head,
    whole,
    ...Object.fromEntries(answers),
    ...(hasForm && {
      form: async (call, context) => (await whole()).form!(call, context),
      submit: async (call, context, submitted) => (await whole()).submit!(call, context, submitted),
    }),
  }
}

/** All of an endpoint, with what documents say of it. */
export const wholeOf = async (endpoint: Endpoint): Promise<Endpoint> => endpoint.whole?.() ?? endpoint
