/** An application of a kit at work: written beside the packages of all kits, built and started as its package.json says. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { addClient, withDefaults } from '../../src/endpoints/operator_clients.ts'
import { metadata as metadataOf } from '../../src/endpoints/discovery.ts'
import type { Kit, KitFile } from '../../src/kits/kit.ts'
import { kitProvider } from '../../src/kits/provider.ts'
import type { Provider } from './provider.ts'
import { madeOf } from './kits.ts'
import { until } from './until.ts'

interface Manifest {
  scripts: Record<string, string>
  dependencies?: Record<string, string>
  devDependencies?: Record<string, string>
}

export const manifestOf = (files: readonly KitFile[]): Manifest =>
  JSON.parse(files.find(({ path }) => path === 'package.json')!.text) as Manifest

/** The packages of several kits in one folder. Throws when two of them want different versions of one. */
export function packagesOf(kits: readonly (readonly KitFile[])[]): Record<string, string> {
  const all: Record<string, string> = {}
  for (const { dependencies, devDependencies } of kits.map(manifestOf))
    for (const [name, version] of Object.entries({ ...dependencies, ...devDependencies })) {
      if (all[name] !== undefined && all[name] !== version)
        throw new Error(`${name}: one kit wants ${all[name]}, another ${version}`)
      all[name] = version
    }
  return all
}

export interface MadeKit {
  files: readonly KitFile[]
  run: readonly string[]
}

/** A client for the kit at that port, its files and its commands. */
export async function kitAt(
  op: Provider,
  kit: Kit,
  port: number,
  metadata: Record<string, unknown> = {},
): Promise<MadeKit> {
  const example = new URL(kit.redirect!.example)
  example.port = `${port}`
  const isPublic = kit.methods.every((each) => each === 'none')
  const { client, secret } = await addClient(op.context, 'operator', {
    metadata: withDefaults(`</title></script><img src=x onerror=alert(1)>"'`, {
      redirect_uris: [example.href],
      post_logout_redirect_uris: [`${example.origin}/`],
      ...(isPublic && { token_endpoint_auth_method: 'none' }),
      ...metadata,
    }),
    privileges: {},
  })
  return madeOf(kit, client, {
    provider: kitProvider(op.context, metadataOf(op.context)),
    ...(secret !== undefined && { secret }),
  })
}

export interface RunningKit {
  stop(): Promise<void>
}

/**
 * Runs `commands` with the variables that the kit sets; resolves when `origin` answers. Throws what they wrote.
 */
export async function runKit(
  folder: string,
  { files, run }: MadeKit,
  { commands, origin }: { commands: readonly string[]; origin: string },
): Promise<RunningKit> {
  for (const { path, text } of files) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), text)
  }
  const lines = [
    ...run.filter((line) => /^(?:set|export) /.test(line)),
    ...commands.slice(0, -1),
    `exec ${commands.at(-1)!}`,
  ]
  const child = Bun.spawn(['sh', '-c', lines.join(' && ')], {
    cwd: folder,
    env: {
      PATH: `${join(folder, '../node_modules/.bin')}:${process.env.PATH}`,
      // Next.js takes no packages from a folder that has the one of its user below it.
      HOME: join(folder, '../../latchkey-no-home'),
      NEXT_TELEMETRY_DISABLED: '1',
      NG_CLI_ANALYTICS: 'false',
    },
    stdout: Bun.file(join(folder, 'output.log')),
    stderr: Bun.file(join(folder, 'errors.log')),
  })
  const stop = async () => {
    child.kill()
    await child.exited
  }
  const answers = () =>
    fetch(origin).then(
      ({ status }) => status < 500,
      () => false,
    )
  await until(async () => child.exitCode !== null || (await answers()), `${folder} to answer`, 170_000)
  if (child.exitCode === null) return { stop }
  const written = ['output.log', 'errors.log'].map((name) => readFileSync(join(folder, name), 'utf8'))
  throw new Error(`${folder} ended:\n${written.join('\n')}`)
}
