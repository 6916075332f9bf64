/** This provider as client kits name it. docs/kits.md */
import type { Context } from '../contracts/context.ts'
import type { Provider } from '../kits/client_values.ts'
import { metadata } from './discovery.ts'

/** `issuer`: the address that clients know, where it is not that of the configuration. */
export function kitProvider(context: Context, issuer = context.config.issuer): Provider {
  const own = context.config.issuer
  const urls = Object.entries(metadata(context)).flatMap(([name, value]) =>
    typeof value === 'string' && value.startsWith(own)
      ? [[name, issuer + value.slice(own.length)] as const]
      : [],
  )
  return {
    issuer,
    endpoints: Object.fromEntries(urls),
    grantTypes: [...context.table.grantTypes.keys()],
  }
}
