/** The attacker's web site. It is on 127.0.0.1, which is another site than localhost. */
import type { Lab, Running } from '../lab.ts'
import { serve } from '../serve.ts'
import { kittens } from './kittens.ts'
import { caught } from './catch.ts'
import { prize } from './prize.ts'
import { createLoot } from './loot.ts'
import { weather } from './weather.ts'

export function startAttacker(lab: Lab): Running {
  /** Where the link of the attacker leads. */
  let bait = lab.at.client
  const loot = createLoot()

  return serve(
    lab.at.attacker,
    {
      '/bait': {
        POST: async (request) => {
          bait = await request.text()
          return new Response(`${lab.at.attacker}/kittens now leads to ${bait}\n`)
        },
      },
      // A picture would do as well, but the cookie of the client is SameSite=Lax: it comes with a page that opens.
      '/kittens': () => new Response(null, { status: 302, headers: { location: bait } }),
      '/loot/:name': (request) => {
        const value = loot.of((request.params as { name: string }).name)
        return new Response(`${value ?? ''}\n`, { status: value === undefined ? 404 : 200 })
      },
      ...weather(lab, loot),
      ...kittens(lab, loot),
      ...caught(lab, loot),
      ...prize(lab, loot),
    },
    [lab.at.neighbour],
  )
}
