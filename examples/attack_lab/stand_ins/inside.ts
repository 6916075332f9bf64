/** A server inside of the company: it trusts every program on this machine, and so asks for no password. */
import type { Lab, Running } from '../lab.ts'
import { serve } from '../serve.ts'

export const startInside = (lab: Lab): Running =>
  serve(lab.at.inside, {
    '/salaries': (request) => {
      lab.note({ what: 'inside answered', agent: request.headers.get('user-agent') ?? '' })
      return new Response('alice 71000, bob 43000\n')
    },
  })
