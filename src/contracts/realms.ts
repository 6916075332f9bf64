/** The realms of a server, for what builds on them: types only. docs/realms.md */
import type { NewRealm, RealmRecord } from '../models/realm.ts'
import type { Context } from './context.ts'

export interface Realms {
  /**
   * The new record; undefined when the name is taken. Throws RealmError for a name, and ConfigError for settings, that no realm
   * can have. Requests to it are answered at once by this instance, and by others within a few seconds.
   */
  create(made: NewRealm): Promise<RealmRecord | undefined>
  /** Also one that is disabled or has ended. */
  find(name: string): Promise<RealmRecord | undefined>
  /** The changed record; undefined when there is no such realm, or `change` gives none. Throws ConfigError. */
  update(
    name: string,
    change: (current: RealmRecord) => RealmRecord | undefined,
  ): Promise<RealmRecord | undefined>
  /**
   * False when there is no such realm, or another one than that of `id` has come under its name. What it kept goes within minutes.
   * `check` gets the record that is removed, and throws to leave it.
   */
  remove(name: string, id?: string, check?: (current: RealmRecord) => void): Promise<boolean>
  list(): Promise<RealmRecord[]>
  /** Why this variable is not one that an administrator sets; undefined where it is. */
  problemOfSetting(name: string): string | undefined
  issuerOf(name: string): string
  /** Its context, as its requests have it; undefined when its requests are not answered. It is not kept: settings change. */
  open(name: string): Promise<Context | undefined>
}
