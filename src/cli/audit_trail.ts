/** The audit trail of this process, when AUDIT_SIGNING_KEY turns it on. It is loaded then alone. */
import { hostname } from 'node:os'
import type { Entry } from '../config/entry.ts'
import { type Env, given } from '../config/read.ts'
import { entries } from '../config/variables.ts'
import type { Audit } from '../models/audit/audit.ts'
import type { Facts } from '../models/audit/kinds.ts'
import { note, record } from '../models/audit/note.ts'
import { realClock } from '../lib/clock.ts'
import { lastingKey, rootOf } from '../models/lasting_root.ts'
import { featureEntries } from '../table.ts'
import { operatorName } from './operator.ts'
import { encrypted, type Opened, type OpenedKeys, type OpenedPlain, openRoot } from './open.ts'

const plainName = (name: string): string => name.replaceAll(/[^\w.-]/g, '-').slice(0, 90) || 'latchkey'

/** `cli`: a command, which runs beside the server of the same name. */
export async function openTrail(opened: Opened, of: 'server' | 'cli'): Promise<Audit | undefined> {
  const { config } = opened
  const { auditSigningKey: signingKeys, auditChain, issuer, secretKey } = config
  if (signingKeys === undefined) return sayItIsOff(opened)
  const { openAudit, pseudonymPurpose } = await import('../models/audit/audit.ts')
  // A command often runs in a container of its own, whose name never comes again: each checkpoint would name all of them.
  const name = auditChain ?? (of === 'server' ? plainName(hostname()) : 'commands')
  const people = lastingKey((await openRoot(opened)) ?? rootOf(secretKey[0]), pseudonymPurpose)
  const chain = of === 'server' ? name : `${name}.cli`
  return openAudit(
    { ...opened, clock: realClock(opened.clock) },
    { issuer, secretKey, people, signingKeys, chain, operator: operatorName() },
    of === 'server',
  )
}

/** A change without the key is in no trail: an environment that lacks it is often a mistake. */
async function sayItIsOff({ log, store }: Opened): Promise<undefined> {
  const { chainsIndex } = await import('../models/audit/stored.ts')
  if ((await store.range(chainsIndex, { limit: 1 })).length > 0)
    log.warn('audit_trail_is_off', {
      problem:
        'the store has an audit trail, and AUDIT_SIGNING_KEY is not set: what happens now is not in it',
    })
}

/** Waits for the last entries and signs them, so that nothing of a command or of a stopped server is unsigned. */
export async function closeTrail(audit: Audit | undefined): Promise<void> {
  if (!audit) return
  await audit.close()
  await audit.checkpoints.extend(audit)
}

const known = new Map<string, Entry>(
  [...entries, ...Object.values(featureEntries).flat()].map((entry) => [entry.name, entry]),
)

/** The settings that were made, by variable. A secret is a fingerprint; one that is kept elsewhere has its value here. */
export function settingsFor(audit: Pick<Audit, 'fingerprint'>, env: Env): Record<string, string> {
  const settings: Record<string, string> = {}
  for (const [name, entry] of known) {
    const value = given(env, name)
    if (value !== undefined)
      settings[name] = entry.secret || entry.credentials ? audit.fingerprint(value) : value.slice(0, 500)
  }
  return settings
}

/** Keys that a command made or imported because of its settings, whatever it was asked for. */
export async function auditAdded(audit: Audit | undefined, { added }: OpenedKeys): Promise<void> {
  if (audit && added.length > 0)
    await record(undefined, audit, 'changed_by_operator', { change: 'keys_added', kids: [...added] })
}

/** A change by a command that has no context, such as one of keys. */
export async function auditChange(
  audit: Audit | undefined,
  { log }: Opened,
  facts: Facts<'changed_by_operator'>,
): Promise<void> {
  await note(undefined, { log, audit }, 'changed_by_operator', facts)
  await closeTrail(audit)
}

/** As `auditChange`, in a store that was opened beneath its encryption. */
export async function auditPlain(opened: OpenedPlain, facts: Facts<'changed_by_operator'>): Promise<void> {
  const { config, plain } = opened
  const above = { ...opened, store: await encrypted(plain, config) }
  await auditChange(await openTrail(above, 'cli'), above, facts)
}
