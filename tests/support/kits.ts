/** Kits of clients in tests: the files of a kind for a client that is made on the spot, and packages of the registry beside them. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Provider } from '../../src/kits/client_values.ts'
import type { Kit, KitFile } from '../../src/kits/kit.ts'
import { grants } from '../../src/kits/kit.ts'
import { makeKit } from '../../src/kits/kits.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { systemRandom } from '../../src/lib/random.ts'
import { deriveKey } from '../../src/lib/hash.ts'
import { type Client, makeClient } from '../../src/models/client.ts'

const issuer = 'https://login.example.com'

/** A provider that serves everything. */
export const servedEverything: Provider = {
  issuer,
  endpoints: Object.fromEntries(
    [
      'authorization',
      'token',
      'userinfo',
      'end_session',
      'introspection',
      'revocation',
      'device_authorization',
    ].map((name) => [`${name}_endpoint`, `${issuer}/${name}`]),
  ),
  grantTypes: Object.values(grants),
}

const context = {
  clock: systemClock,
  random: systemRandom,
  secrets: { clientSecrets: [deriveKey('a key of the tests', 'client secrets')] as const },
}

/** A client that can do all that a kit may need, with `members` in place of those. */
function clientWith(members: Partial<Client> = {}): Client {
  return makeClient(
    context as never,
    {
      client_id: 'photos',
      client_name: 'Photos',
      grant_types: Object.values(grants),
      response_types: ['code'],
      scope: 'openid profile email',
      token_endpoint_auth_method: 'client_secret_basic',
      ...members,
    } as never,
  ).client
}

/** A client that fits the kit. */
export const fittingClient = ({ methods, redirect }: Kit, members: Partial<Client> = {}): Client => {
  const isPublic = methods.every((each) => each === 'none')
  const uri = redirect?.example ?? 'http://localhost:3000/callback'
  return clientWith({
    redirect_uris: [uri],
    ...(uri.startsWith('http') && { post_logout_redirect_uris: [`${new URL(uri).origin}/`] }),
    token_endpoint_auth_method: methods[0]!,
    ...(isPublic && {
      grant_types: Object.values(grants).filter((each) => each !== grants.service),
    }),
    ...members,
  })
}

interface Made {
  files: readonly KitFile[]
  run: readonly string[]
}

/** The files of a kit. Throws the problem of a client that it does not fit. */
export const filesOf = (...given: Parameters<typeof madeOf>): readonly KitFile[] => madeOf(...given).files

/** The files of a kit and its commands. */
export function madeOf(kit: Kit, client: Client, more: { provider?: Provider; secret?: string } = {}): Made {
  const provider = more.provider ?? servedEverything
  const made = makeKit(kit, { client, provider, secret: more.secret, random: systemRandom })
  if ('misfit' in made) throw new Error(made.misfit.problem)
  return made
}

export interface Packages {
  folder: string
  remove(): void
}

/** Packages of the registry, at exact versions, in a folder of their own. */
export async function installed(packages: Readonly<Record<string, string>>): Promise<Packages> {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-kits-'))
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, dependencies: packages }))
  const child = Bun.spawn([process.execPath, 'install', '--silent'], {
    cwd: folder,
    stdout: 'pipe',
    stderr: 'pipe',
    timeout: 120_000,
  })
  const [stdout, stderr, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ])
  if (code !== 0) throw new Error(`packages were not installed:\n${stdout}${stderr}`)
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) }
}
