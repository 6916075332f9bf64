/**
 * A secret variable may say where its value is, instead of the value: `vault:secret/latchkey#secret_key`. The sources
 * are read by `cli/secret_sources`. docs/configuration.md, "Where secrets are"
 */
export const referenceSchemes = ['vault', 'awssm', 'gcpsm', 'exec'] as const
export type ReferenceScheme = (typeof referenceSchemes)[number]

export interface SecretReference {
  readonly scheme: ReferenceScheme
  /** The path, name or command line: what stands between the scheme and `#`. */
  readonly place: string
  /** One member of a secret with several; undefined for the whole. A command has none. */
  readonly field: string | undefined
}

/** Undefined for a text that is a value. */
export function referenceIn(text: string | undefined): SecretReference | undefined {
  const scheme = referenceSchemes.find((each) => text?.startsWith(`${each}:`))
  if (scheme === undefined || text === undefined) return undefined
  const rest = text.slice(scheme.length + 1)
  const hash = scheme === 'exec' ? -1 : rest.indexOf('#')
  return hash < 0
    ? { scheme, place: rest, field: undefined }
    : { scheme, place: rest.slice(0, hash), field: rest.slice(hash + 1) }
}
