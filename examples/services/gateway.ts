/** The gateway: applications call it with the token of their End-User, and it calls the services behind it. */
import { randomUUID } from 'node:crypto'
import { isForItself } from './actors.ts'
import { Answer, passedOn } from './answer.ts'
import { createCalls } from './calls.ts'
import { startService } from './service.ts'
import { issuer, ownKey, ports, resources } from './settings.ts'
import { wishOf } from './wish.ts'

const calls = await createCalls(issuer, 'gateway', ownKey('gateway'))

startService({
  name: 'gateway',
  port: ports.gateway,
  issuer,
  resource: resources.gateway,
  isEdge: true,
  routes: [
    {
      method: 'POST',
      path: '/orders',
      // Both, because no exchange adds a scope: what the last service needs is what the End-User has agreed to.
      scopes: ['place:orders', 'reserve:stock'],
      async handle({ request, caller }) {
        if (isForItself(caller)) throw new Answer(403, 'forbidden', 'the token is of no End-User')
        const answer = await calls.onBehalfOf(request, {
          resource: resources.orders,
          scope: 'place:orders reserve:stock',
          method: 'PUT',
          // The id is made here, so that the request behind it may be repeated.
          path: `/orders/${randomUUID()}`,
          body: await wishOf(request),
        })
        return passedOn(answer)
      },
    },
  ],
})
