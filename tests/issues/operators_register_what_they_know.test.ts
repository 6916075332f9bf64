/** Issue 9, line 37: an operator registers what a client of End-Users needs, and learns what was not registered. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { admitMetadata, operatorPolicy, policyOf } from '../../src/endpoints/registration.ts'
import { isPrivateHost } from '../../src/lib/address.ts'
import type { Json } from '../support/client.ts'
import { commandLine } from '../support/command.ts'
import { authorize, browser, operatorClient, redeem } from '../support/flow.ts'
import { type Provider, provider } from '../support/provider.ts'
import { latchkeyWords } from '../support/latchkey_command.ts'

let op: Provider
beforeAll(async () => {
  op = await provider()
})

const register = (metadata: Json, at = op) =>
  admitMetadata(metadata, operatorPolicy(at.context), { by: 'operator' }, at.context)
const byItself = (metadata: Json) =>
  admitMetadata(metadata, policyOf(op.context), { by: 'client' }, op.context)

const lan = 'http://192.168.1.10:3000/callback'
const ofApp = 'audiobookshelf://oauth'

test.each<[string, Json]>([
  ['a scheme of an application', { redirect_uris: [ofApp], token_endpoint_auth_method: 'none' }],
  [
    'the same after a sign-out',
    { redirect_uris: ['https://a.example/cb'], post_logout_redirect_uris: [ofApp] },
  ],
  ['http in a private network', { redirect_uris: [lan] }],
  [
    'http to a name of the local network',
    { redirect_uris: ['http://nas.local/cb', 'http://grafana:3000/login', 'http://[fd00::1]/cb'] },
  ],
  [
    'http in networks of carriers, of Tailscale and of one link',
    { redirect_uris: ['http://100.101.102.103/cb', 'http://169.254.7.7/cb', 'http://[fe80::7]:3000/cb'] },
  ],
  [
    'http to the names of development and of companies',
    { redirect_uris: ['http://shop.test/cb', 'http://wiki.corp/cb', 'http://host.docker.internal:3000/cb'] },
  ],
  ['implicit', { redirect_uris: ['https://a.example/cb'], grant_types: ['implicit'] }],
  ['a hybrid type', { redirect_uris: ['https://a.example/cb'], response_types: ['code id_token'] }],
])('%s is registered by an operator, and not by a client itself', async (_, metadata) => {
  await register(metadata)
  await expect(byItself(metadata)).rejects.toThrow()
})

test('names below localhost are this machine, for every client that registers', async () => {
  for (const uri of ['http://app.localhost:3000/cb', 'http://a.b.localhost/cb']) {
    await register({ redirect_uris: [uri], token_endpoint_auth_method: 'none' })
    await byItself({ redirect_uris: [uri] })
  }
  for (const host of ['localhost.example', 'notlocalhost', '.localhost', 'app.localhost.example'])
    await expect(byItself({ redirect_uris: [`http://${host}/cb`] })).rejects.toThrow('http off loopback')
})

test('a refusal says what to write instead', async () => {
  const redirect_uris = ['myapp:/callback']
  await expect(register({ redirect_uris })).rejects.toThrow(
    'the scheme myapp: without a host; expected myapp://callback, or a reverse-domain scheme such as com.example.myapp:/callback',
  )
  await expect(byItself({ redirect_uris })).rejects.toThrow('such as com.example.myapp:/callback')
  await expect(register({ redirect_uris: ['data:text/html,x'] })).rejects.toThrow('not one of an application')
})

test.each<[string, Json, string]>([
  [
    'http in a private network for a public client',
    { redirect_uris: [lan], token_endpoint_auth_method: 'none' },
    'http off loopback; in a private network a client may do so that authenticates',
  ],
  [
    'http in a private network with tokens in the redirect',
    { redirect_uris: [lan], response_types: ['code token'] },
    'http off loopback',
  ],
  ['http on the internet', { redirect_uris: ['http://app.example/cb'] }, 'http off loopback'],
  ['an address of the internet', { redirect_uris: ['http://192.0.2.7/cb'] }, 'http off loopback'],
  [
    'a name that begins like a private address',
    { redirect_uris: ['http://10.0.0.1.nip.io/cb'] },
    'http off loopback',
  ],
  ['a script', { redirect_uris: ['javascript://app/%0aalert(1)'] }, 'javascript:'],
  ['a scheme of one word without host', { redirect_uris: ['audiobookshelf:/oauth'] }, 'audiobookshelf:'],
  [
    'a scheme of one word for a website',
    { redirect_uris: [ofApp], application_type: 'web' },
    'application_type web',
  ],
])('%s is refused for an operator too', async (_, metadata, words) => {
  await expect(register(metadata)).rejects.toThrow(words)
})

test('what the profile does not serve is refused', async () => {
  const off = await provider({ env: { IMPLICIT_AND_HYBRID: 'off' } })
  await expect(
    register({ redirect_uris: ['https://a.example/cb'], grant_types: ['implicit'] }, off),
  ).rejects.toThrow('implicit')
})

test.each([ofApp, lan])('a flow to %s ends there with a code that is redeemed', async (redirect_uri) => {
  const client = await operatorClient(op, {
    client_id: `to-${redirect_uri.length}`,
    redirect_uris: [redirect_uri],
    response_types: ['code'],
  })
  const authorized = await authorize(op, browser(op), client)
  expect(authorized.location.href).toStartWith(redirect_uri)
  expect((await redeem(op, client, authorized)).status).toBe(200)
})

test('private hosts, and hosts that only look like them', () => {
  for (const host of [
    '10.1.2.3',
    '172.16.0.1',
    '192.168.1.10',
    '[fd00::1]',
    '127.0.0.1',
    'nas',
    'nas.local',
    'nas.home.arpa',
    '100.64.0.1',
    '100.127.255.255',
    '169.254.1.1',
    '[fe80::1]',
    'app.test',
  ])
    expect([host, isPrivateHost(host)]).toEqual([host, true])
  for (const host of [
    '192.168.1.10.example',
    '8.8.8.8',
    '100.63.255.255',
    '100.128.0.1',
    '[fec0::1]',
    'host.tailnet.ts.net',
    'fritz.box',
    '[2001:db8::1]',
    'app.example',
    'local.example',
    'nas.locals',
    '',
  ])
    expect([host, isPrivateHost(host)]).toEqual([host, false])
})

describe('by command', () => {
  const line = commandLine({ STORE_URL: 'sqlite:latchkey.db' })
  afterAll(line.remove)
  const add = (...more: string[]) => line.latchkey(['client', 'add', 'App', '--json', ...more])
  const file = (name: string, value: unknown): string => {
    writeFileSync(join(line.folder, name), JSON.stringify(value))
    return name
  }

  test.each(['urn:ietf:params:oauth:grant-type:device_code', 'urn:openid:params:grant-type:ciba'])(
    '%s: the scopes of a sign-in',
    async (grant) => {
      const { stdout } = await add(
        '--grant-type',
        grant,
        ...(grant.endsWith('ciba')
          ? ['--metadata', file('poll.json', { backchannel_token_delivery_mode: 'poll' })]
          : []),
      )
      expect(JSON.parse(stdout)).toMatchObject({
        scope: 'openid profile email offline_access',
        response_types: [],
      })
    },
  )

  test('--response-type, with the grant types that it needs', async () => {
    const { stdout } = await add('--redirect-uri', 'https://a.example/cb', '--response-type', 'code id_token')
    expect(JSON.parse(stdout)).toMatchObject({
      response_types: ['code id_token'],
      grant_types: ['authorization_code', 'implicit', 'refresh_token'],
    })
  })

  test('a member that is not registered is named, in JSON and on stderr, by add and by set', async () => {
    const metadata = [
      '--metadata',
      file('odd.json', { redirect_uri: 'https://a.example/cb', policy_uri: 'https://a.example/p' }),
    ]
    const { stdout, stderr } = await add(
      '--redirect-uri',
      'https://a.example/cb',
      '--client-id',
      'odd',
      ...metadata,
    )
    expect(JSON.parse(stdout)).toMatchObject({
      left_out: ['redirect_uri'],
      policy_uri: 'https://a.example/p',
    })
    expect(stderr).toContain('warning: redirect_uri is not registered')
    const set = await line.latchkey(['client', 'set', 'odd', ...metadata])
    expect(set.stderr).toContain('warning: redirect_uri is not registered')
    const clean = await add('--redirect-uri', 'https://a.example/cb')
    expect([clean.stderr.includes('warning:'), clean.stdout.includes('left_out')]).toEqual([false, false])
  })

  test('an id and a secret in a file are named, with the options for them', async () => {
    const members = { client_id: 'mine', client_secret: 'theirs', redirect_uris: ['https://a.example/cb'] }
    const { stdout, stderr } = await add('--metadata', file('whole.json', members))
    expect(JSON.parse(stdout)).toMatchObject({ left_out: ['client_id', 'client_secret'] })
    for (const words of ['client_id is not registered: client add --client-id', '--secret-stdin'])
      expect(stderr).toContain(words)
    expect(stderr).not.toContain('theirs')
    const named = await add('--metadata', 'whole.json', '--client-id', 'mine')
    expect(JSON.parse(named.stdout)).toMatchObject({ left_out: ['client_secret'] })
  })

  test('a file that is not there is said in words', async () => {
    const { code, stderr } = await add('--metadata', 'none.json')
    expect([code, stderr]).toEqual([1, 'latchkey: none.json: there is no such file\n'])
    expect((await add('--metadata', '.')).stderr).toContain('folder')
  })

  test('a command whose reader has ended does its work', async () => {
    const { code } = await line.latchkey([
      'client',
      'add',
      'App',
      '--client-id',
      'cut',
      '--redirect-uri',
      'https://a.example/cb',
    ])
    expect(code).toBe(0)
    const child = Bun.spawn(['sh', '-c', `${latchkeyWords} client list | true; echo done`], {
      cwd: line.folder,
      env: { PATH: process.env.PATH, NODE_ENV: 'development', STORE_URL: 'sqlite:latchkey.db' },
      stdout: 'pipe',
      stderr: 'pipe',
    })
    expect([await new Response(child.stdout).text(), await new Response(child.stderr).text()]).toEqual([
      'done\n',
      '',
    ])
  })

  test('a grant type that no response type uses is named', async () => {
    const { stdout } = await add(
      '--metadata',
      file('grants.json', { grant_types: ['authorization_code', 'client_credentials'], response_types: [] }),
    )
    expect(JSON.parse(stdout)).toMatchObject({ left_out: ['grant_types: authorization_code'] })
  })
})
