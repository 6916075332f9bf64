/** Checks the configured providers at startup, so that mistakes do not appear only when an End-User signs in. */
import { createPrivateKey } from 'node:crypto'
import type { Config } from '../../config.ts'
import { isTenant } from './providers_openid.ts'
import { type Member, membersOfConfig, policyOf, requiredOf, rowOf } from './settings.ts'

/** Lines `NAME: problem`. */
export function problems(config: Config): readonly string[] {
  const members = membersOfConfig(config)
  const ids = members.map(({ id }) => id)
  const twice = ids.find((id, at) => ids.indexOf(id) !== at)
  const unknown = (policyOf(config).upstreamTrusted ?? []).filter((id) => !ids.includes(id))
  return [
    ...(twice === undefined ? [] : [`UPSTREAM_PROVIDERS: the id ${twice} is used twice`]),
    ...unknown.map((id) => `UPSTREAM_TRUSTED: there is no provider ${id}`),
    ...members.flatMap((member) => problemsOf(member)),
  ]
}

function problemsOf(member: Member): string[] {
  const missing = requiredOf(rowOf(member)).filter((name) => member[name] === undefined)
  return [
    ...missing.map((name) => `${member.id} has no ${name}`),
    ...(isTenant(member.tenant ?? 'common')
      ? []
      : [`tenant of ${member.id} must be common, organizations, consumers or the id of a tenant`]),
    ...(isP256(member.private_key) ? [] : [`private_key of ${member.id} is not a P-256 key in PEM`]),
  ].map((problem) => `UPSTREAM_PROVIDERS: ${problem}`)
}

/** In an environment variable, line breaks of a key may be written as `\n`. */
export const readKey = (pem: string) => createPrivateKey(pem.replaceAll('\\n', '\n'))

function isP256(pem: string | undefined): boolean {
  try {
    return pem === undefined || readKey(pem).asymmetricKeyDetails?.namedCurve === 'prime256v1'
  } catch {
    return false // the library's message may contain the key
  }
}
