/** Whether a kit fits a client, and the command that mends the client where it does not. */
import { scopeValues } from '../auth/scope.ts'
import { replaceUnsafe } from '../lib/unsafe_text.ts'
import type { Client } from '../models/client.ts'
import { methodFor, type Provider, redirectFor, shownName } from './client_values.ts'
import { grants, type Kit } from './kit.ts'
import { literals } from './literal.ts'

/** Why a kit does not fit, and the command after which it does. */
export interface Misfit {
  problem: string
  /** Undefined where no command mends it: then `problem` says what does. */
  command: string | undefined
}

type Options = readonly (readonly [option: string, value: string])[]

/** One unmet need: the problem, and the options of `client set` that meet it. */
interface Lack {
  problem: string
  options: Options
}

const quoted = (value: string): string =>
  /^[\w.~:/@-]+$/.test(value) ? value : literals.shell.text(replaceUnsafe(value, 'line', '?'))

/** The command line, in the realm of the provider. What begins with a dash stands behind `--`, so that it is no option. */
function commandLine({ realm }: Provider, command: string, subject: string, options: Options): string {
  const latchkey = realm === undefined ? 'latchkey' : `latchkey --realm ${realm}`
  const text = options.map(([name, value]) => ` --${name}${value === '' ? '' : ` ${quoted(value)}`}`).join('')
  return subject.startsWith('-')
    ? `${latchkey} ${command}${text} -- ${quoted(subject)}`
    : `${latchkey} ${command} ${quoted(subject)}${text}`
}

const each = (option: string, values: readonly string[]): Options => values.map((value) => [option, value])

function lacksOf(kit: Kit, client: Client): Lack[] {
  const { grant, redirect, signsIn } = kit
  const lacks: Lack[] = []
  if (grant && !client.grant_types.includes(grants[grant]))
    lacks.push({
      problem: `it needs the grant type ${grants[grant]}`,
      options: each('grant-type', [...client.grant_types, grants[grant]]),
    })
  if (redirect && redirectFor(kit, client) === undefined)
    lacks.push({
      problem: `it needs a redirect URI ${redirect.expected}`,
      options: each('redirect-uri', [...client.redirect_uris, redirect.example]),
    })
  if (signsIn && !scopeValues(client.scope).includes('openid'))
    lacks.push({
      problem: 'it reads an ID Token, so it needs the scope openid',
      options: [['scope', ['openid', ...scopeValues(client.scope)].join(' ')]],
    })
  return lacks
}

/** Whether it runs where its reader could read a secret. */
const isPublicAlone = ({ methods }: Kit): boolean => methods.every((method) => method === 'none')

/** The options of a new client for the kit. */
function ofItsOwn(kit: Kit, client: Client): Options {
  const { grant, redirect } = kit
  const uris = redirect ? [redirect.example] : client.redirect_uris
  const types = grant ? (grant === 'code' ? [] : [grants[grant]]) : uris.length > 0 ? [] : client.grant_types
  const [web] = redirect && /^https?:/.test(redirect.example) ? [new URL(redirect.example)] : []
  return [
    ...(isPublicAlone(kit) ? ([['public', '']] as const) : []),
    ...each('grant-type', types),
    ...each('redirect-uri', uris),
    ...each('post-logout-redirect-uri', web ? [`${web.origin}/`] : []),
  ]
}

function methodProblem(kit: Kit, client: Client): string {
  const came = client.token_endpoint_auth_method
  const expected = isPublicAlone(kit)
    ? 'cannot keep a secret'
    : `authenticates with ${kit.methods.map((method) => (method === 'none' ? 'no secret' : method)).join(' or ')}`
  return `${kit.title} ${expected}; token_endpoint_auth_method of this client is ${came}. A client of its own is needed`
}

/** Undefined where the kit fits. */
export function misfitOf(kit: Kit, client: Client, provider: Provider): Misfit | undefined {
  const { grant, title } = kit
  if (grant && !provider.grantTypes.includes(grants[grant]))
    return {
      problem: `${title} needs the grant type ${grants[grant]}, which this provider does not serve`,
      command: undefined,
    }
  if (methodFor(kit, client) === undefined)
    return {
      problem: methodProblem(kit, client),
      command: commandLine(provider, 'client add', shownName(client), ofItsOwn(kit, client)),
    }
  const lacks = lacksOf(kit, client)
  if (lacks.length === 0) return undefined
  const problem = `${title} does not fit this client: ${lacks.map((lack) => lack.problem).join('; ')}`
  const { managed_by: managed } = client
  if (managed)
    return {
      problem: `${problem}. Change the client in ${managed.file}, which manages it`,
      command: undefined,
    }
  return {
    problem,
    command: commandLine(
      provider,
      'client set',
      client.client_id,
      lacks.flatMap((lack) => lack.options),
    ),
  }
}
