/** This provider as client kits name it. docs/kits.md */
import type { Context } from '../contracts/context.ts'
import type { Provider } from './client_values.ts'

/**
 * `metadata`: that of the discovery document. `issuer`: the address that clients know, where it is not that of the
 * configuration.
 */
export function kitProvider(
  { config: { issuer: own }, table, realm }: Context,
  metadata: Readonly<Record<string, unknown>>,
  issuer = own,
): Provider {
  const urls = Object.entries(metadata).flatMap(([name, value]) =>
    typeof value === 'string' && value.startsWith(own)
      ? [[name, issuer + value.slice(own.length)] as const]
      : [],
  )
  return {
    issuer,
    endpoints: Object.fromEntries(urls),
    grantTypes: [...table.grantTypes.keys()],
    realm: realm?.name,
  }
}
