/** The kinds of client kits, one line each, and how one is made. docs/kits.md */
import type { Random } from '../lib/random.ts'
import type { Client } from '../models/client.ts'
import { methodFor, type Provider, valuesOf } from './client_values.ts'
import { textOfRealm } from '../lib/realm_commands.ts'
import type { Kit, KitFile } from './kit.ts'
import { bruno } from './kinds/bruno.ts'
import { curl } from './kinds/curl.ts'
import { flutter, powershell, reactNative } from './kinds/device.ts'
import { envFile } from './kinds/env.ts'
import { http } from './kinds/http.ts'
import { insomnia } from './kinds/insomnia.ts'
import { mcp } from './kinds/mcp.ts'
import { express, hono, next } from './kinds/node.ts'
import { postman } from './kinds/postman.ts'
import { apache, nginx } from './kinds/proxy.ts'
import { django, fastapi, flask } from './kinds/python.ts'
import { dotnet, go, php, ruby, rust, spring } from './kinds/server.ts'
import { nodeServiceKit, pythonServiceKit } from './kinds/service.ts'
import { angular, browser, react, svelte, vue } from './kinds/single_page.ts'
import { Unwritable } from './literal.ts'
import { type Misfit, misfitOf } from './misfit.ts'

export const kits: readonly Kit[] = [
  curl,
  envFile,
  http,
  postman,
  bruno,
  insomnia,
  react,
  vue,
  svelte,
  angular,
  browser,
  express,
  hono,
  next,
  reactNative,
  flutter,
  flask,
  django,
  fastapi,
  go,
  spring,
  dotnet,
  php,
  ruby,
  rust,
  nodeServiceKit,
  pythonServiceKit,
  powershell,
  mcp,
  nginx,
  apache,
]

export const kitOf = (kind: string): Kit | undefined => kits.find((each) => each.kind === kind)

interface Wanted {
  client: Client
  provider: Provider
  /** Undefined: the files read it from the environment. */
  secret?: string | undefined
  random: Random
}

interface MadeKit {
  files: readonly KitFile[]
  /** Commands in a shell, in the folder of the files. */
  run: readonly string[]
}

/** The files, or why the kit does not fit the client. */
export function makeKit(
  kit: Kit,
  { client, provider, secret, random }: Wanted,
): MadeKit | { misfit: Misfit } {
  const misfit = misfitOf(kit, client, provider)
  const method = methodFor(kit, client)
  if (misfit || method === undefined)
    return { misfit: misfit ?? { problem: `${kit.title} does not fit this client`, command: undefined } }
  try {
    const values = valuesOf(kit, client, provider, { method, secret, random })
    const files = kit.files(values).map((file) => ({
      ...file,
      text: textOfRealm(provider.realm, file.text),
    }))
    return { files, run: kit.run(values) }
  } catch (error) {
    if (!(error instanceof Unwritable)) throw error
    const problem = `${kit.title} does not fit this client: ${error.message}`
    return { misfit: { problem, command: undefined } }
  }
}
