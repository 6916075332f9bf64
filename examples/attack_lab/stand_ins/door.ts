/** The address of the toy provider. What is switched on is answered by the weak stand-in; everything else goes to Latchkey, method and body included. */
import type { Lab, Running } from '../lab.ts'
import { serve } from '../serve.ts'

export function startDoor(lab: Lab): Running {
  const toLatchkey = ({ url }: Request): Response => {
    const { pathname, search } = new URL(url)
    return new Response(null, {
      status: 307,
      headers: { location: `${lab.at.provider}${pathname}${search}` },
    })
  }
  return serve(lab.at.door, { '/*': toLatchkey })
}
