/** The address of the toy provider. A path is answered by the toy while a switch for it is on; otherwise it leads to Latchkey, with method and body. */
import { join } from 'node:path'
import type { Lab, Running } from '../lab.ts'
import { type Routes, serve } from '../serve.ts'
import type { Weakness } from '../weaknesses.ts'
import { careless } from './careless.ts'
import { createToy } from './toy.ts'
import { toyAuthorize } from './toy_authorize.ts'
import { toyDevice } from './toy_device.ts'
import { toyRegister } from './toy_register.ts'
import { toyToken } from './toy_token.ts'

/** For which switches a part of the toy answers. */
const signIns: readonly Weakness[] = [
  'prefix_redirects',
  'everlasting_refresh_tokens',
  'silent_consent',
  'framed_consent',
]

export async function startDoor(lab: Lab): Promise<Running> {
  const toy = createToy(lab)
  const devices = toyDevice(toy)

  const toLatchkey = ({ url }: Request): Response => {
    const { pathname, search } = new URL(url)
    return new Response(null, {
      status: 307,
      headers: { location: `${lab.at.provider}${pathname}${search}` },
    })
  }
  const whileWeak = (weaknesses: readonly Weakness[], routes: Routes): Routes =>
    Object.fromEntries(
      Object.entries(routes).map(([path, route]) => [
        path,
        (request: Bun.BunRequest) => {
          const handle = typeof route === 'function' ? route : route[request.method as 'GET' | 'POST']
          return handle && weaknesses.some((each) => lab.weak(each)) ? handle(request) : toLatchkey(request)
        },
      ]),
    )

  return serve(lab.at.door, {
    ...whileWeak(signIns, toyAuthorize(toy)),
    ...whileWeak([...signIns, 'approving_links'], toyToken(toy, devices)),
    ...whileWeak(['approving_links'], devices.routes),
    ...whileWeak(['silent_consent', 'curious_registration'], toyRegister(toy)),
    ...(await careless(lab)),
    '/style.css': () => new Response(Bun.file(join(import.meta.dir, '../../exchanges/style.css'))),
    '/*': toLatchkey,
  })
}
