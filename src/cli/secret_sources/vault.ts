/**
 * HashiCorp Vault and OpenBao: the key/value engine, versions 1 and 2.
 * https://developer.hashicorp.com/vault/api-docs/secret/kv/kv-v2
 */
import type { SecretReference } from '../../config/secret_reference.ts'
import { fieldOf, member, type SecretSource, SourceError, type SourceSettings, textMember } from './source.ts'
import { openVault, vaultProblem } from './vault_session.ts'

export function vaultSource(settings: SourceSettings): SecretSource {
  const ask = openVault(settings, 'vault')

  /** The path of the API for the path that the command line of Vault takes; the engine says where it is mounted. */
  async function apiPath(place: string): Promise<string> {
    const path = place.split('/').map(encodeURIComponent).join('/')
    const said = await ask(`sys/internal/ui/mounts/${path}`)
    if (said.status !== 200) throw new SourceError(`Vault does not show ${place}: ${vaultProblem(said)}`)
    const data = member(said.json, 'data')
    const mount = textMember(data, 'path') ?? ''
    const isSecond = textMember(member(data, 'options'), 'version') === '2'
    return isSecond ? `${mount}data/${path.slice(mount.length)}` : path
  }

  return {
    async read(reference: SecretReference) {
      const { place } = reference
      const said = await ask(await apiPath(place))
      if (said.status === 404) throw new SourceError(`Vault has nothing at ${place}`)
      if (said.status !== 200) throw new SourceError(`Vault refused ${place}: ${vaultProblem(said)}`)
      const outer = member(said.json, 'data')
      const inner = member(outer, 'data')
      const secret = member(outer, 'metadata') !== undefined ? inner : outer
      if (typeof secret !== 'object' || secret === null)
        throw new SourceError(`Vault has nothing at ${place}`)
      return fieldOf(secret, reference)
    },
  }
}
