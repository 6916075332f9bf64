/** Issue 10, section 5: the file that export-config writes says nothing new, whatever the clients are. */
import { expect, test } from 'bun:test'
import { stringify } from 'yaml'
import { fileClientOf } from '../../src/cli/plan/export_config.ts'
import { Client, makeClient } from '../../src/models/client.ts'
import { admitMetadata, operatorPolicy } from '../../src/endpoints/registration.ts'
import { carryOut } from '../../src/cli/plan/carry_out.ts'
import { withOfferedMethod, namesNoMethod, withDefaults } from '../../src/endpoints/operator_clients.ts'
import { clientsOf, planOf } from '../support/configuration.ts'
import { type Fuzzer, fuzz } from '../support/fuzz.ts'
import { type Provider, provider } from '../support/provider.ts'
import { registered } from '../support/registration.ts'

const maybe = <T>({ below }: Fuzzer, value: T): T | undefined => (below(2) === 0 ? value : undefined)

/** Metadata and privileges as an operator may give them. */
function randomClient(fuzzer: Fuzzer, at: number): { metadata: Record<string, unknown>; own: object } {
  const { pick, below, text } = fuzzer
  const isService = below(4) === 0
  const isPublic = !isService && below(4) === 0
  const name = text(['Shop', 'Ä "quoted": name', '- [x]', 'yes', '012', 'a\nb', "it's # no comment"])
    .trim()
    .slice(0, 60)
  const metadata = {
    client_name: name === '' || /[\0-\x1f\x7f]/.test(name) ? undefined : name,
    'client_name#de': maybe(fuzzer, 'Laden'),
    client_uri: maybe(fuzzer, 'https://shop.example/?a=b&c=%20'),
    contacts: maybe(fuzzer, ['ops@shop.example']),
    redirect_uris: isService
      ? []
      : pick([['https://shop.example/cb'], ['http://localhost:8080/cb', 'https://a.example/x?y=z']]),
    post_logout_redirect_uris: maybe(fuzzer, ['https://shop.example/']),
    grant_types: isService
      ? ['client_credentials']
      : pick([undefined, ['authorization_code'], ['authorization_code', 'refresh_token']]),
    scope: isService ? '' : pick([undefined, 'openid', 'openid profile email', '']),
    token_endpoint_auth_method: isPublic
      ? 'none'
      : pick([undefined, 'client_secret_basic', 'client_secret_post', 'client_secret_jwt']),
    id_token_signed_response_alg: pick([undefined, 'ES256', 'RS256']),
    include_claims_in_id_token: pick([undefined, true, false]),
    access_token_format: pick([undefined, 'opaque', 'jwt']),
    default_max_age: maybe(fuzzer, below(10_000)),
    require_auth_time: maybe(fuzzer, true),
    subject_type: pick([undefined, 'public']),
    dpop_bound_access_tokens: maybe(fuzzer, true),
    backchannel_logout_uri: isService ? undefined : maybe(fuzzer, 'https://shop.example/logout'),
  }
  const own = {
    first_party: pick([undefined, true, false]),
    require_pkce: maybe(fuzzer, true),
    may_impersonate: maybe(fuzzer, true),
    role_names: maybe(fuzzer, { admin: 'Administrators', [`r${at}`]: 'ü: "x"' }),
    exchange_audiences: maybe(fuzzer, ['https://api.example']),
    disabled: pick([undefined, undefined, true]),
  }
  const given = (members: object) =>
    Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined))
  return { metadata: given(metadata), own: given(own) }
}

/** As `client add` makes it. */
async function add(
  { context }: Provider,
  id: string,
  { metadata, own }: ReturnType<typeof randomClient>,
): Promise<void> {
  const asked = withDefaults(metadata.client_name as string, metadata, {})
  const admitted = await admitMetadata(
    withOfferedMethod(asked, context),
    operatorPolicy(context),
    { by: 'operator' },
    context,
  )
  const either = namesNoMethod(asked) && { either_secret_method: true }
  const { client } = makeClient(context, { ...admitted, ...own, ...either, client_id: id })
  expect(await Client.create(context, client)).toBe(true)
}

const exported = async (context: Provider['context'], ids: (client: Client) => boolean) => {
  const clients = (await Client.list(context)).filter(ids)
  return stringify(
    { latchkey: 1, clients: clients.map((client) => fileClientOf(client, undefined, context)) },
    { lineWidth: 0 },
  )
}

test('random clients: the plan of what was exported changes nothing but who manages them', async () => {
  await fuzz(
    'exported configuration',
    (fuzzer) => Array.from({ length: 8 }, (_, at) => randomClient(fuzzer, at)),
    async (made) => {
      const op = await provider()
      for (const [at, each] of made.entries()) await add(op, `client-${at}`, each)
      const text = await exported(op.context, () => true)
      const plan = await planOf(op.context, text)
      for (const { client_id, members } of plan.changes)
        expect([client_id, Object.keys(members)]).toEqual([client_id, ['managed_by']])
      const before = await clientsOf(op.context)
      const secrets = new Map(
        (await Client.list(op.context)).map((each) => [each.client_id, each.secret_mac]),
      )
      await carryOut(plan, { what: 'apply' }, undefined, op.context)
      const after = await clientsOf(op.context)
      for (const [id, members] of Object.entries(before))
        expect(after[id]).toEqual({ ...members, managed_by: 'latchkey.yaml' })
      for (const each of await Client.list(op.context))
        expect(each.secret_mac).toBe(secrets.get(each.client_id)!)
      expect((await planOf(op.context, text)).changes).toEqual([])
      // And what is exported then.
      expect((await planOf(op.context, await exported(op.context, () => true))).changes).toEqual([])
    },
    40,
  )
}, 240_000)

test('a client that registered itself, when the file names it', async () => {
  const op = await provider({ env: { REGISTRATION: 'open' } })
  await registered(op, { redirect_uris: ['https://self.example/cb'], token_endpoint_auth_method: 'none' })
  await registered(op, {
    redirect_uris: ['https://self.example/cb'],
    logo_uri: 'https://self.example/logo.png',
  })
  const text = await exported(op.context, ({ self_registered }) => self_registered === true)
  const { changes } = await planOf(op.context, text)
  expect(changes.map(({ members }) => Object.keys(members))).toEqual([['managed_by'], ['managed_by']])
})
