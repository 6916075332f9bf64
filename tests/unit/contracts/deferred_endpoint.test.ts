/** An endpoint whose module is loaded by its first request is before it what it is after it. bench/README.md, "Where a start goes" */
import { expect, test } from 'bun:test'
import type { Context } from '../../../src/contracts/context.ts'
import type { Endpoint } from '../../../src/contracts/endpoint.ts'
import { wholeEndpoints } from '../../../src/features/administration/whole_endpoints.ts'
import { wholeAdminPages } from '../../../src/features/administration/pages/whole_pages.ts'
import { methodsOf } from '../../../src/lib/http_method.ts'
import { provider } from '../../support/provider.ts'

const { context } = await provider({ env: { REALMS: 'true' } })
const deferred = context.table.endpoints.filter(({ whole }) => whole)
const found = await Promise.all(deferred.map((each) => each.whole!()))

const inOne = { ...context, realm: {} } as Context
const places: readonly Context[] = [context, { ...context, realms: undefined }, inOne]

/** All that is asked of an endpoint apart from its answers. What the feature adds to all its pages is in the heads alone. */
function headOf(endpoint: Endpoint) {
  const {
    whole: _,
    exists,
    api,
    form,
    submit,
    get,
    post,
    put,
    patch,
    delete: remove,
    atPageBases: _added,
    ...plain
  } = endpoint
  return {
    ...plain,
    api: api === false,
    takesForms: [form !== undefined, submit !== undefined],
    methods: methodsOf({ get, post, put, patch, delete: remove } as Endpoint),
    exists: places.map((place) => exists?.(undefined as never, place)),
  }
}

test('the head of each is that of its module', () => {
  expect(deferred.length).toBeGreaterThan(80)
  for (const [at, head] of deferred.entries()) expect(headOf(head)).toEqual(headOf(found[at]!))
})

test('no page and no route is without a head', () => {
  const heads = new Set(deferred.map(({ path }) => path))
  for (const { path } of [...wholeAdminPages, ...wholeEndpoints.values()]) expect(heads).toContain(path)
})
