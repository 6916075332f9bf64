/** The rows of the report: which workload on which server, and what is to be reached of the limit and beside the peer. */
import type { Variant } from './providers.ts'

export interface Row {
  name: string
  workload: string
  variant: Variant
  /** Measured on the peer, too. */
  peer?: true
  /** The rate divided by the peer's, at least (issue 2, §6). */
  timesPeer?: number
  /** `server`: limit_server.ts. `argon2id_verify`: the bare operation. `memory`: no limit, but the same on the memory store with neither audit trail nor traces. */
  limit?: 'server' | 'argon2id_verify' | 'memory'
  /** The rate divided by the limit's, at least (issue 7, §4). */
  share?: number
  /** Its words in the chart; without them it is not shown there. */
  chart?: string
}

type More = Omit<Row, 'name' | 'workload' | 'variant'>

const row = (name: string, variant: Variant, more: More, workload = name): Row => ({
  name,
  workload,
  variant,
  limit: 'server',
  ...more,
})

/** Where the access token of a flow is a JWT, Latchkey signs twice; the peer's is opaque there, so it is not compared. */
const flows = (suffix: string, variant: Variant, more: More = {}, flow: More = more): Row[] => [
  row(`refresh${suffix}`, variant, more, 'refresh'),
  row(`code_flow_in_session${suffix}`, variant, flow, 'code_flow_in_session'),
]

export const rows: Row[] = [
  row('discovery', 'opaque', { peer: true, timesPeer: 4, share: 0.7, chart: 'Discovery' }),
  row('jwks', 'opaque', { peer: true, timesPeer: 3, share: 0.7, chart: 'Signing keys (JWKS)' }),
  row('client_credentials', 'opaque', { peer: true, timesPeer: 3, share: 0.6, chart: 'Token, opaque' }),
  row('client_credentials_es256', 'jwt_es256', {
    peer: true,
    timesPeer: 2.5,
    share: 0.7,
    chart: 'Token, JWT of ES256',
  }),
  row('client_credentials_rs256', 'jwt_rs256', { peer: true, share: 0.97, chart: 'Token, JWT of RS256' }),
  row('client_credentials_dpop', 'opaque', { peer: true }),
  row('client_credentials_private_key_jwt', 'opaque', { peer: true }),
  row('par', 'opaque', { peer: true }),
  row('introspection', 'opaque', { peer: true, timesPeer: 3, share: 0.6, chart: 'Introspection' }),
  row('introspection_jwt', 'jwt_es256', {}, 'introspection'),
  row('userinfo', 'opaque', { peer: true, timesPeer: 3, share: 0.6, chart: 'Userinfo' }),
  row('userinfo_jwt', 'jwt_es256', {}, 'userinfo'),
  row('sign_in_page', 'opaque', {}),
  row('consent_page', 'opaque', {}),
  row('authorize', 'opaque', { peer: true }),
  row('backchannel_logout', 'opaque', {}),
  ...flows(
    '',
    'opaque',
    { peer: true, timesPeer: 2.5, share: 0.6, chart: 'Refresh, ID Token of ES256' },
    { peer: true, timesPeer: 2.5, share: 0.5, chart: 'Code flow, ID Token of ES256' },
  ),
  ...flows('_es256', 'jwt_es256', { share: 0.6 }, { share: 0.5 }),
  ...flows('_rs256', 'jwt_rs256', { share: 0.97 }),
  ...flows(
    '_id_rs256',
    'id_rs256',
    { peer: true, share: 0.97 },
    { peer: true, share: 0.97, chart: 'Code flow, ID Token of RS256' },
  ),
  ...flows('_es256_id_rs256', 'es256_id_rs256'),
  ...flows('_eddsa_id_rs256', 'eddsa_id_rs256'),
  row('code_flow', 'opaque', { limit: 'argon2id_verify' }),
  row('sign_in', 'opaque', { limit: 'argon2id_verify', share: 0.9 }),
  row('client_credentials_redis', 'redis', { limit: 'memory', share: 0.6 }, 'client_credentials'),
  row('introspection_redis', 'redis', { limit: 'memory', share: 0.6 }, 'introspection'),
  row('client_credentials_postgres', 'postgres', { limit: 'memory' }, 'client_credentials'),
  row('introspection_postgres', 'postgres', { limit: 'memory' }, 'introspection'),
  // At least 95 % of the rate without it (issue 10, §2).
  row('client_credentials_audited', 'audited', { limit: 'memory', share: 0.95 }, 'client_credentials'),
  row('userinfo_audited', 'audited', { limit: 'memory', share: 0.95 }, 'userinfo'),
  row('client_credentials_traced', 'traced', { limit: 'memory' }, 'client_credentials'),
  row('userinfo_traced', 'traced', { limit: 'memory' }, 'userinfo'),
  { name: 'sign_in_flood', workload: 'sign_in_flood', variant: 'opaque' },
]
