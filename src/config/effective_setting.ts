/** A setting as it is in force, for operators and administrators: secrets are hidden. docs/configuration.md */
import type { ReferenceScheme } from './secret_reference.ts'

export interface EffectiveSetting {
  name: string
  help: string
  /** As text; undefined where nothing is set. */
  value: string | undefined
  /** Whether `value` stands for a secret, or leaves a credential out. */
  hidden: boolean
  /** `apply`: a configuration file that was applied. `realm`: the record of the realm. */
  from: 'environment' | '.env' | 'file' | ReferenceScheme | 'apply' | 'realm' | 'PROFILE' | 'default'
}

/** The text without what stands before the host of a URL: up to the last `@` of its authority. */
export const withoutUserInfo = (text: string): string => text.replace(/:\/\/[^\s/?#"']*@/g, '://…@')

/** Of a value that may have credentials in a path, a query or a header: only where it leads. */
export const originsOnly = (text: string): string => {
  const origins = [...withoutUserInfo(text).matchAll(/https?:\/\/[^\s/?#"']+/gi)].map(
    ([origin]) => `${origin}/…`,
  )
  return origins.length > 0 ? origins.join(' ') : '…'
}
