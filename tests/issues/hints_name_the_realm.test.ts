/** A command that an answer, a page, a mail or the log of a realm tells is for that realm: without `--realm` it would work in the server. */
import { expect, test } from 'bun:test'
import { OAuthError } from '../../src/auth/errors.ts'
import { mailOf } from '../../src/features/audit/alert_mail.ts'
import { described } from '../../src/http/hints.ts'
import { problemOf } from '../../src/http/problem.ts'
import { kits, makeKit } from '../../src/kits/kits.ts'
import { commandsOfRealms, textOfRealm } from '../../src/lib/realm_commands.ts'
import { Client } from '../../src/models/client.ts'
import { kitProvider } from '../../src/kits/provider.ts'
import { admin, serviceClient, serviceToken } from '../support/administration.ts'
import { formPost } from '../support/client.ts'
import { openRealm, quickKeys, withRealms } from '../support/realms.ts'

const names = [...commandsOfRealms].join('|')
const bare = new RegExp(`latchkey (?:${names})(?![\\w-])`)

/**
 * The files with such a text, and what puts the realm into it: a refusal (http/hints.ts), the log of the realm
 * (cli/realms/open_realm.ts), the settings of the realm (there), the page that shows the causes (lab_errors/page.ts), the
 * kit (kits/kits.ts), or the file itself. A new file with a command needs a row, and its text one of these ways.
 */
const ways: Readonly<
  Record<string, 'refusal' | 'log' | 'setting' | 'cause' | 'kit' | 'itself' | 'documents'>
> = {
  'auth/authorization_request.ts': 'refusal',
  'config/describe.ts': 'documents',
  'config/protocol_variables.ts': 'setting',
  'config/signing_key_variables.ts': 'setting',
  // Of a variable that no realm sets.
  'config/store_variables.ts': 'documents',
  'endpoints/introspection.ts': 'refusal',
  'endpoints/operator_clients.ts': 'refusal',
  'endpoints/operator_secrets.ts': 'refusal',
  'features/accounts/settings.ts': 'setting',
  'features/administration/caller.ts': 'refusal',
  'features/administration/first_owner.ts': 'log',
  'features/administration/pages/administrator.ts': 'refusal',
  'features/administration/pages/audit.ts': 'itself',
  'features/administration/routes/audit.ts': 'refusal',
  // Of a file on the machine of the reader.
  'features/administration/routes/audit_files.ts': 'documents',
  'features/audit/alert_mail.ts': 'itself',
  'features/lab_errors/causes/cause.ts': 'cause',
  'features/lab_errors/causes/client.ts': 'cause',
  'features/lab_errors/causes/known_by_code.ts': 'cause',
  'features/lab_errors/causes/known_registration.ts': 'cause',
  'features/lab_errors/causes/known_requests.ts': 'cause',
  'features/lab_errors/causes/secrets.ts': 'cause',
  'features/lab_errors/causes/steps.ts': 'cause',
  'features/lab_token/state.ts': 'itself',
  'features/lab_trouble/page.ts': 'itself',
  'features/lab_trouble/trouble.ts': 'refusal',
  'features/resource_indicators/feature.ts': 'refusal',
  'kits/application.ts': 'kit',
  'models/birth.ts': 'log',
  'models/managed_by.ts': 'log',
  'models/next_keys.ts': 'log',
  'models/readable_keys.ts': 'log',
  'models/signing_keys.ts': 'log',
  'openapi/document.ts': 'itself',
  'people/administrator_account.ts': 'refusal',
  'people/audit_report/access_sections.ts': 'itself',
  'people/audit_report/page.ts': 'itself',
}

const isCode = (line: string): boolean => !/^\s*(?:\*|\/\*|\/\/)/.test(line)

test('each text with a command has a way by which the realm comes into it', async () => {
  const found: string[] = []
  for await (const path of new Bun.Glob('**/*.ts').scan('src')) {
    if (path.startsWith('cli/')) continue // the output of a command: cli/in_realm.ts
    const lines = (await Bun.file(`src/${path}`).text()).split('\n').filter(isCode)
    if (lines.some((line) => bare.test(line))) found.push(path)
    if (ways[path] === 'itself')
      for (const line of lines)
        if (bare.test(line)) expect(lines.join('\n')).toMatch(/\b(?:hint|textOfRealm)\(/)
  }
  expect(found.toSorted()).toEqual(Object.keys(ways).toSorted())
})

test('no answer is made of a refusal but with the realm', async () => {
  const found: string[] = []
  for await (const path of new Bun.Glob('{http,flow,endpoints,features}/**/*.ts').scan('src')) {
    const text = await Bun.file(`src/${path}`).text()
    if (/\bdescribe\b.* from '.*auth\/refusal\.ts'|\.publicDescription\b/.test(text)) found.push(path)
  }
  const ofOtherServers = [
    'features/ciba/notifications.ts',
    'features/client_id_metadata/feature.ts',
    'features/jwt_bearer/assertion.ts',
    'features/software_statement/feature.ts',
    'features/upstream/id_token.ts',
  ]
  expect(found.toSorted()).toEqual(['http/hints.ts', ...ofOtherServers].toSorted())
})

test('a text names the realm once for each command, and no command that is of the server', () => {
  const text =
    'run latchkey client list, then latchkey client set A --x; latchkey realm set team; latchkey clients'
  expect(textOfRealm('team', text)).toBe(
    'run latchkey --realm team client list, then latchkey --realm team client set A --x; latchkey realm set team; latchkey clients',
  )
  expect(textOfRealm('team', textOfRealm('team', text))).toBe(textOfRealm('team', text))
  expect(textOfRealm(undefined, text)).toBe(text)
})

const op = await withRealms({
  env: { LAB: 'true', AUDIT_SIGNING_KEY: 'k'.repeat(40) },
})
await op.context.realms!.create({ name: 'team', settings: quickKeys, demo: true })
const realm = await openRealm(op, 'team')
const place = { realm: { id: 'x', name: 'team', title: undefined, classroom: undefined } }
const grounds = {
  rule: 'RFC 6749 §5.2',
  expected: 'a client; latchkey client list',
  next: 'latchkey client set CLIENT_ID',
} as const

test('a refusal, as a description and as problem details', () => {
  expect(described(place, grounds)).toBe(
    'a client; latchkey --realm team client list: latchkey --realm team client set CLIENT_ID',
  )
  const problem = problemOf(new OAuthError('invalid_request', grounds), 'id', place)
  expect([problem.expected, problem.next]).toEqual([
    'a client; latchkey --realm team client list',
    'latchkey --realm team client set CLIENT_ID',
  ])
  expect(described({}, grounds)).not.toContain('--realm')
})

test('the administration, the page of an error of the lab, and the log', async () => {
  const token = await serviceToken(realm, await serviceClient(realm))
  const { body } = await admin(realm, token, 'GET', '/clients/none')
  expect(body.next).toContain('latchkey --realm team client list')
  const refused = await realm.fetch(
    '/token',
    formPost(
      { client_id: 'nobody', redirect_uri: 'https://app.example' },
      { grant_type: 'client_credentials' },
    ),
  )
  const { error_uri } = (await refused.json()) as { error_uri: string }
  const page = await (await realm.fetch(error_uri)).text()
  expect(page).toContain('latchkey --realm team client list')
  expect(page).not.toMatch(bare)
  realm.context.log.error('told', {
    hint: 'run latchkey sessions end --everybody',
    came: 'latchkey client list',
  })
  const line = op.lines.find((each) => each.includes('told'))
  expect(line).toContain('latchkey --realm team sessions end')
  expect(line).toContain('latchkey client list') // what came is shown as it came
})

test('a mail of alerts, the settings, the API document, and each kit', async () => {
  expect(mailOf([], 'https://op.example/realms/team', place).text).toContain(
    'latchkey --realm team audit list',
  )
  for (const { name, help } of realm.context.ownSettings!())
    expect([name, help]).not.toEqual([name, expect.stringMatching(bare)])
  const document = await (await realm.fetch('/openapi.json')).json()
  expect(JSON.stringify(document.components)).not.toMatch(bare)
  const metadata = (await (await realm.fetch('/.well-known/openid-configuration')).json()) as Record<
    string,
    unknown
  >
  const client = (await Client.find(realm.context, 'client123'))!
  for (const kit of kits) {
    const made = makeKit(kit, {
      client,
      provider: kitProvider(realm.context, metadata),
      random: realm.context.random,
    })
    const texts = 'files' in made ? made.files.map(({ text }) => text) : [made.misfit.command ?? '']
    for (const text of texts) expect([kit.kind, text]).not.toEqual([kit.kind, expect.stringMatching(bare)])
  }
})
