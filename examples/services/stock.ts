/** The stock: the last service. It reserves for an End-User when the orders ask, and counts for the nightly job. */
import { isForItself, requireActor } from './actors.ts'
import { Answer } from './answer.ts'
import { startService } from './service.ts'
import { issuer, ports, resources } from './settings.ts'
import { type Wish, wishOf } from './wish.ts'

const levels = new Map([
  ['lamp', 1_000],
  ['chair', 3],
])
const mostReservations = 10_000
const reservations = new Map<string, Wish & { sub: string }>()

startService({
  name: 'stock',
  port: ports.stock,
  issuer,
  resource: resources.stock,
  routes: [
    {
      method: 'PUT',
      path: '/reservations/',
      scopes: ['reserve:stock'],
      async handle({ request, caller, rest: id }) {
        requireActor(caller, 'orders')
        const wish = await wishOf(request)
        const known = reservations.get(id)
        if (known && known.sub !== caller.sub) throw new Answer(409, 'conflict', 'of another End-User')
        if (known) return new Response(null, { status: 204 }) // sent again: it was reserved before
        const level = levels.get(wish.item) ?? 0
        if (wish.amount > level) throw new Answer(409, 'conflict', 'out of stock')
        if (reservations.size >= mostReservations) throw new Answer(507, 'full')
        levels.set(wish.item, level - wish.amount)
        reservations.set(id, { sub: caller.sub, ...wish })
        return new Response(null, { status: 204 })
      },
    },
    {
      method: 'GET',
      path: '/levels',
      scopes: ['read:stock'],
      async handle({ caller }) {
        if (!isForItself(caller) || caller.client_id !== 'nightly')
          throw new Answer(403, 'forbidden', 'expected the nightly job itself')
        return Response.json(Object.fromEntries(levels))
      },
    },
  ],
})
