/** The report's rows: which workload on which server, what it is held against, and the ratio to reach (issue 2, §6). */
import type { Variant } from './providers.ts'

/** `peer`: the same workload there. `memory`: the same workload on our memory store. Else a bare operation in ceilings.ts. */
export type Against = 'peer' | 'memory' | 'rs256_sign' | 'argon2id_verify'

export interface Row {
  name: string
  workload: string
  variant: Variant
  against?: Against
  /** Our rate divided by the other's, at least. */
  target?: number
}

const row = (name: string, variant: Variant, against?: Against, target?: number): Row => ({
  name,
  workload: name,
  variant,
  ...(against && { against }),
  ...(target !== undefined && { target }),
})

export const rows: Row[] = [
  row('discovery', 'opaque', 'peer', 4),
  row('jwks', 'opaque', 'peer', 3),
  row('client_credentials', 'opaque', 'peer', 3),
  row('client_credentials_es256', 'jwt_es256', 'peer', 2.5),
  row('client_credentials_rs256', 'jwt_rs256', 'peer'),
  { ...row('client_credentials_rs256', 'jwt_rs256', 'rs256_sign', 0.95), name: 'rs256_to_ceiling' },
  row('client_credentials_dpop', 'opaque', 'peer'),
  row('client_credentials_private_key_jwt', 'opaque', 'peer'),
  row('par', 'opaque', 'peer'),
  row('introspection', 'opaque', 'peer', 3),
  row('userinfo', 'opaque', 'peer', 3),
  row('refresh', 'opaque', 'peer', 2.5),
  row('code_flow', 'opaque', 'peer'),
  row('code_flow_in_session', 'opaque', 'peer', 2.5),
  row('sign_in', 'opaque', 'argon2id_verify', 0.9),
  row('sign_in_flood', 'opaque'),
  { ...row('client_credentials', 'redis', 'memory', 0.6), name: 'client_credentials_redis' },
  { ...row('introspection', 'redis', 'memory', 0.6), name: 'introspection_redis' },
]
