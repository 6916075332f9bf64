/** The orders: it takes them from the gateway alone, for the End-User of the token, and reserves the goods. */
import { requireActor } from './actors.ts'
import { Answer, passedOn } from './answer.ts'
import { createCalls } from './calls.ts'
import { startService } from './service.ts'
import { issuer, ownKey, ports, resources } from './settings.ts'
import { type Wish, wishOf } from './wish.ts'

const calls = await createCalls(issuer, 'orders', ownKey('orders'))

const mostOrders = 10_000
const orders = new Map<string, Wish & { sub: string }>()

startService({
  name: 'orders',
  port: ports.orders,
  issuer,
  resource: resources.orders,
  routes: [
    {
      method: 'PUT',
      path: '/orders/',
      scopes: ['place:orders'],
      async handle({ request, caller, rest: id }) {
        requireActor(caller, 'gateway')
        const wish = await wishOf(request)
        const known = orders.get(id)
        // An id is no permission: the order of another End-User stays theirs.
        if (known && known.sub !== caller.sub)
          throw new Answer(409, 'conflict', 'the order of another End-User')
        if (!known && orders.size >= mostOrders) throw new Answer(507, 'full')
        const reserved = await calls.onBehalfOf(request, {
          resource: resources.stock,
          scope: 'reserve:stock',
          method: 'PUT',
          path: `/reservations/${id}`,
          body: wish,
        })
        await passedOn(reserved)
        orders.set(id, { sub: caller.sub, ...wish })
        return Response.json({ order: id, ...wish }, { status: 201 })
      },
    },
  ],
})
