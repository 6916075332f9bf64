/** The lock of clients that a file manages: `latchkey apply` alone changes them. docs/decisions/0087-configuration-files.md */
import * as v from 'valibot'
import { OAuthError } from '../auth/errors.ts'

/** In the record of a client. */
export const ManagedBy = v.object({
  /** The name of the file, without its folder. */
  file: v.string(),
  /** The version of the configuration that wrote the record last. */
  version: v.number(),
  /** Its secret comes from where the file says, so that no command makes another one. */
  secret: v.optional(v.boolean()),
})

interface Managed {
  client_id: string
  managed_by?: v.InferOutput<typeof ManagedBy> | undefined
}

/** The refusal of a change. A client that changes its own registration reads no name of a file (RFC 7592 §2.2). */
export class ManagedByFile extends OAuthError {
  override name = 'ManagedByFile'
  /** For the operator: the file, and the command. */
  told: string

  constructor({ client_id, managed_by }: Managed, what = 'it') {
    const file = managed_by?.file ?? 'latchkey.yaml'
    const told = `the file ${file} manages ${client_id}: change ${what} there and run latchkey apply -f ${file}, or take the client out with latchkey apply --release ${client_id}`
    super('access_denied', {
      rule: 'RFC 7592 §2.2',
      expected: 'a client that no configuration file manages',
      problem: 'a configuration file of the operator manages this client',
      next: 'the operator changes it there',
      detail: told,
    })
    this.told = told
  }
}

/** Members that change without the file: a secret is rotated and sealed anew. */
const ofSecrets: readonly string[] = ['secret_mac', 'sealed_secret', 'former_secret']

const fileMembers = (record: object): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(record).filter(([name, value]) => value !== undefined && !ofSecrets.includes(name)),
  )

/** Throws ManagedByFile when a file manages `current` and `next` differs in more than its secrets. */
export function requireOwnChange(current: Managed, next: Managed): void {
  if (current.managed_by && !Bun.deepEquals(fileMembers(current), fileMembers(next)))
    throw new ManagedByFile(current)
}
