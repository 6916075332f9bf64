/** What a feature adds to `config check --deep`. docs/configuration.md */

/** What a setting names outside the provider, for `config check --deep`. */
export interface FeatureTrial {
  /** The variable to mend. */
  name: string
  /** Resolves to what is wrong; undefined when it works. Changes nothing that stays. */
  run(): Promise<string | undefined>
}
