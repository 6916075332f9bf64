/** The configuration that a page shows for a client: which kits suit each kind of client, and their settings with its values. docs/kits.md */
import type { Random } from '../lib/random.ts'
import { textOfRealm } from '../lib/realm_commands.ts'
import type { Client } from '../models/client.ts'
import { methodFor, type Provider, valuesOf } from './client_values.ts'
import { type Kit, type KitFile, grants } from './kit.ts'
import { reactNative, flutter, powershell } from './kinds/device.ts'
import { envFile } from './kinds/env.ts'
import { http } from './kinds/http.ts'
import { mcp } from './kinds/mcp.ts'
import { express, next } from './kinds/node.ts'
import { django, flask } from './kinds/python.ts'
import { dotnet, go, php, spring } from './kinds/server.ts'
import { nodeServiceKit, pythonServiceKit } from './kinds/service.ts'
import { angular, react, vue } from './kinds/single_page.ts'
import { Unwritable } from './literal.ts'
import { misfitOf } from './misfit.ts'

/** The most common libraries of each kind of client; the values alone come first. */
const suiting = {
  web: [envFile, express, next, flask, django, spring, dotnet, go, php],
  spa: [envFile, react, angular, vue],
  native: [envFile, reactNative, flutter, mcp],
  service: [envFile, nodeServiceKit, pythonServiceKit],
  device: [envFile, powershell, http],
  mcp: [envFile, mcp],
} as const satisfies Readonly<Record<string, readonly Kit[]>>

export type ClientKind = keyof typeof suiting

/** By its registration, in which an MCP client is an application on a device. */
export function clientKindOf(client: Client): ClientKind {
  const { grant_types: types } = client
  if (!types.includes(grants.code))
    return types.includes(grants.device) ? 'device' : types.includes(grants.service) ? 'service' : 'web'
  if (client.token_endpoint_auth_method !== 'none') return 'web'
  return client.application_type === 'native' ? 'native' : 'spa'
}

export interface Library {
  /** Of the kit. */
  kind: string
  title: string
  files: readonly KitFile[]
  /** The whole kit fits the client too: its redirect URI and scopes are those that it needs. */
  isWhole: boolean
}

/**
 * The settings of each library that suits the kind, and works with the authentication of the client. A kit is a program
 * that listens on this machine; its settings also fit a program that is elsewhere.
 */
export function librariesFor(
  kind: ClientKind,
  client: Client,
  provider: Provider,
  { secret, random }: { secret: string | undefined; random: Random },
): Library[] {
  return suiting[kind].flatMap((kit: Kit): Library[] => {
    const method = methodFor(kit, client)
    if (method === undefined) return []
    try {
      const { redirect_uris: uris } = client
      const values = valuesOf(kit, client, provider, { method, secret, random })
      const own = { ...values, redirect_uri: values.redirect_uri ?? uris[0] }
      return [
        {
          kind: kit.kind,
          title: kit.title,
          files: (kit.settings ?? kit.files)(own).map((file) => ({
            ...file,
            text: textOfRealm(provider.realm, file.text),
          })),
          isWhole: misfitOf(kit, client, provider) === undefined,
        },
      ]
    } catch (error) {
      if (!(error instanceof Unwritable)) throw error
      return []
    }
  })
}
