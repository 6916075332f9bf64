/** All flows of the playground, one line each. */
import type { RunFlow } from '../flow.ts'
import { clientCredentials, privateKeyJwt } from './client_credentials.ts'
import { ciba } from './ciba.ts'
import { code } from './code.ts'
import { device } from './device.ts'
import { dpop } from './dpop.ts'
import { hybrid, implicit } from './front.ts'
import { jar } from './jar.ts'
import { logout } from './logout.ts'
import { par } from './par.ts'
import { tokenExchange } from './token_exchange.ts'

export const flows: readonly RunFlow[] = [
  code,
  clientCredentials,
  device,
  ciba,
  par,
  privateKeyJwt,
  jar,
  dpop,
  tokenExchange,
  logout,
  hybrid,
  implicit,
]

export const findFlow = (name: string | undefined): RunFlow | undefined =>
  flows.find((each) => each.name === name)
