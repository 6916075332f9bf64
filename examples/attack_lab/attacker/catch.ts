/** Where the attacker's links send browsers back to: what comes there is kept. */
import type { Lab } from '../lab.ts'
import type { Routes } from '../serve.ts'
import type { Loot } from './loot.ts'

export function caught(lab: Lab, loot: Loot): Routes {
  return {
    '/catch/:name': (request) => {
      const { name = '' } = request.params as { name?: string }
      const answer = new URL(request.url).searchParams
      const code = answer.get('code')
      if (code === null) {
        lab.note({ what: 'attacker got nothing', at: name })
        return new Response('It was worth a try\n')
      }
      loot.keep(name, code)
      lab.note({ what: 'attacker got a code', at: name })
      return new Response('Thank you\n')
    },
    '/counter.gif': (request) => {
      const referer = request.headers.get('referer') ?? ''
      const token = new URLSearchParams(referer.split('?')[1] ?? '').get('access_token')
      if (token !== null) loot.keep('referer', token)
      lab.note({ what: 'attacker counted a visitor', withToken: token !== null })
      return new Response(pixel, { headers: { 'content-type': 'image/gif', 'cache-control': 'no-store' } })
    },
  }
}

const pixel = Buffer.from('R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw==', 'base64')
