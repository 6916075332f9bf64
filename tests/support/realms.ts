/** A realm of a provider, as a provider: all steps of stories work in it. */
import type { NewRealm } from '../../src/models/realm.ts'
import { type Provider, provider, type ProviderOptions } from './provider.ts'

/** RSA keys take long to make. */
export const quickKeys = { SIGNING_ALGS: 'ES256', ACCESS_TOKEN_ALG: 'ES256' }

/** A provider with realms and without the lab, unless `env` says otherwise. */
export const withRealms = (options: ProviderOptions = {}): Promise<Provider> =>
  provider({ ...options, env: { REALMS: 'true', ...options.env } })

/** A new realm with the demo people and clients. */
export async function realmOf(op: Provider, name: string, made: Partial<NewRealm> = {}): Promise<Provider> {
  const record = await op.context.realms!.create({
    demo: true,
    ...made,
    name,
    settings: { ...quickKeys, ...made.settings },
  })
  if (!record) throw new Error(`the realm ${name} exists`)
  return openRealm(op, name)
}

export async function openRealm(op: Provider, name: string): Promise<Provider> {
  const context = await op.context.realms!.open(name)
  if (!context) throw new Error(`the realm ${name} is not open`)
  const issuer = `${op.issuer}/realms/${name}`
  return {
    ...op,
    issuer,
    context,
    fetch: (path, init, peer) =>
      op.fetch(
        path.startsWith('/') && !path.startsWith(`${new URL(issuer).pathname}/`) ? `${issuer}${path}` : path,
        init,
        peer,
      ),
  }
}
