/** Members that features add to records: an undeclared member does not compile, and declared metadata is served. */
import { describe, expect, test } from 'bun:test'
import * as v from 'valibot'
import { declareTokenClaims } from '../../../src/models/access_token.ts'
import { type Client, declareMetadata } from '../../../src/models/client.ts'
import { declareGrantMembers, type Grant, type GrantExtra } from '../../../src/models/grant.ts'
import { openObject } from '../../../src/models/declared.ts'
import type { Interaction } from '../../../src/models/interaction.ts'
import type { Session } from '../../../src/models/session.ts'
import type { User } from '../../../src/models/user.ts'
import type { readClientMetadata } from '../../../src/auth/registration.ts'
import { provider } from '../../support/provider.ts'

/** True when a record of this type may be read for a member of any name. */
type TakesAnyName<R> = string extends keyof R ? true : false

const metadata = declareMetadata({ dpop_bound_access_tokens: v.optional(v.boolean(), false) })
const ofGrant = declareGrantMembers({ dpop_jkt: v.string() })

/** Judged by `bun check`: each marked line must be an error, or the check fails. Never called. */
export function misspellings(client: Client, grant: Grant) {
  // @ts-expect-error a misspelled member of the declaration
  void metadata.of(client).dpop_bound_acces_tokens
  // @ts-expect-error a member of a feature, read without its declaration
  void client.dpop_bound_access_tokens
  // @ts-expect-error a misspelled member of the core
  void client.token_endpoint_auth_methd
  // @ts-expect-error a member of a grant, read without its declaration
  void grant.dpop_jkt
  // @ts-expect-error a misspelled member, written
  void ofGrant.extra({ dpop_jtk: 'x' })
  // @ts-expect-error a misspelled member, set
  void metadata.set(client, { dpop_bound_acces_tokens: true })
  // @ts-expect-error members of grants, read of a client
  void ofGrant.of(client)
  // @ts-expect-error metadata of clients, read of a grant
  void metadata.of(grant)
  // @ts-expect-error what a parameter adds to a grant is made by a declaration
  const extra: GrantExtra = { dpop_jkt: 'x' }
  // @ts-expect-error another type than the declared one
  const isBound: string | undefined = metadata.of(client).dpop_bound_access_tokens
  return { extra, isBound }
}

const closed: [
  TakesAnyName<Client>,
  TakesAnyName<Grant>,
  TakesAnyName<Session>,
  TakesAnyName<User>,
  TakesAnyName<Interaction>,
  TakesAnyName<ReturnType<typeof readClientMetadata>>,
] = [false, false, false, false, false, false]

describe('a declaration', () => {
  test('no record type allows a member of any name', () => expect(closed).not.toContain(true as never))

  test('reads the record itself, so that a read costs nothing', () => {
    const claims = { aud: 'api', act: { sub: 'service' } }
    const ofToken = declareTokenClaims({ act: v.object({ sub: v.string() }) })
    expect(ofToken.of(claims)).toBe(claims)
    expect(ofToken.of(claims).act?.sub).toBe('service')
  })

  test('a record keeps members that its own schema does not name', () => {
    const kept = v.parse(openObject({ sub: v.string() }), { sub: 'a', later: 1 })
    expect(kept as object).toEqual({ sub: 'a', later: 1 })
  })

  /** Metadata that no feature serves would be absent in every client, so that its protection would be off without a sign. */
  test('of metadata: each in src is served by a feature', async () => {
    const { context } = await provider()
    const declared: string[] = []
    for await (const path of new Bun.Glob('src/**/*.ts').scan('.'))
      for (const [, members] of (await Bun.file(path).text()).matchAll(/declareMetadata\(\{([^{}]*)\}\)/g))
        declared.push(...[...members!.matchAll(/(?:^|[\s,])([a-z0-9_]+):/g)].map((match) => match[1]!))
    expect(declared).toContain('dpop_bound_access_tokens')
    expect(declared.length).toBeGreaterThan(30)
    const { mutualTls } = await import('../../../src/features/mutual_tls/feature.ts')
    const { softwareStatement } = await import('../../../src/features/software_statement/feature.ts')
    // These two are off under this configuration.
    const off = [mutualTls, softwareStatement].flatMap((each) => Object.keys(each.clientMetadata!.entries))
    const served = new Set([...Object.keys(context.table.clientMetadata), ...off])
    expect(declared.filter((name) => !served.has(name))).toEqual([])
  })
})
