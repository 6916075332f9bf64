/** The contract of a feature: one folder, one object, one line in the table. It fills any of the sockets in sockets.ts. docs/architecture.md, "Features" */
import type { KeyAlg } from '../auth/jwk.ts'
import type { Config, Entries } from '../config.ts'
import type { Context } from './context.ts'
import type { Filled, Sockets } from './sockets.ts'
import type { FeatureTrial } from './feature_trial.ts'

export type * from './client_source.ts'
export type * from './person_sockets.ts'
export type * from './protocol_sockets.ts'

export interface Feature extends Filled<Sockets> {
  name: string
  /** Whether the feature is active under this configuration; always when left out. */
  when?(config: Config): boolean
  /** Lines `NAME: problem` for settings that conflict. Any of them stops the boot. */
  problems?(config: Config): readonly string[]
  /** What `config check` notes: what others must do for these settings. */
  notes?(config: Config): readonly string[]
  /** What is tried in place of a connection to the URLs of these variables (`outbound` of an entry). */
  trials?(provider: Pick<Context, 'config' | 'outbound' | 'clock'>): readonly FeatureTrial[]
  env?: Entries
  /** Algorithms for which the key ring must have a key, in addition to the signing algorithms. */
  keyAlgs?(config: Config): readonly KeyAlg[]
}

export const defineFeature = (feature: Feature): Feature => feature
