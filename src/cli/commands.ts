/** The commands, one line each. A command's modules load when it is called, and not before. */
import { type Command, defineCommand } from './command.ts'

export interface CommandEntry {
  readonly name: string
  readonly help: string
  load(): Promise<Command>
}

const serve = async () => defineCommand({ takes: [], options: {}, run: (await import('./serve.ts')).serve })
const keys = () => import('./keys.ts')
const user = () => import('./user.ts')
const transfer = () => import('./user_transfer.ts')
const invitations = () => import('./invite.ts')
const person = () => import('./person.ts')
const sessions = () => import('./sessions.ts')
const client = () => import('./client.ts')
const clientToken = () => import('./client_token.ts')

export const commands: readonly CommandEntry[] = [
  { name: 'serve', help: 'Serve the provider; so does no command at all', load: serve },
  {
    name: 'keys generate',
    help: 'Make the signing keys that are missing',
    load: async () => (await keys()).generate,
  },
  {
    name: 'keys rotate',
    help: 'Publish the next signing keys; they take over once caches have had time',
    load: async () => (await keys()).rotate,
  },
  {
    name: 'keys list',
    help: 'Signing keys: which waits, signs, or only verifies',
    load: async () => (await keys()).list,
  },
  { name: 'jwks', help: 'Print the public keys (RFC 7517)', load: async () => (await keys()).jwks },
  {
    name: 'pkce',
    help: 'Make a code_verifier and its code_challenge (RFC 7636)',
    load: async () => (await import('./pkce.ts')).pkce,
  },
  { name: 'user add', help: 'Add a person who can sign in', load: async () => (await user()).add },
  {
    name: 'user passwd',
    help: 'Give a person a new password; whoever used the old one is signed out',
    load: async () => (await user()).passwd,
  },
  {
    name: 'user reset',
    help: 'Mail a person a link to choose a new password, which you never learn',
    load: async () => (await user()).reset,
  },
  {
    name: 'user disable',
    help: 'Keep a person out: sessions, grants and tokens end',
    load: async () => (await user()).disable,
  },
  { name: 'user enable', help: 'Let a disabled person in again', load: async () => (await user()).enable },
  { name: 'user list', help: 'Everyone who can sign in', load: async () => (await user()).list },
  {
    name: 'user set',
    help: 'Change attributes, roles and claims of a person',
    load: async () => (await import('./user_set.ts')).set,
  },
  {
    name: 'user import',
    help: 'Add people from a file, with password hashes of other systems',
    load: async () => (await transfer()).importUsers,
  },
  { name: 'user export', help: 'Everyone, as JSON or CSV', load: async () => (await transfer()).exportUsers },
  {
    name: 'invite list',
    help: 'Invitations that nobody has used yet',
    load: async () => (await invitations()).list,
  },
  { name: 'invite revoke', help: 'Take an invitation back', load: async () => (await invitations()).revoke },
  {
    name: 'invite',
    help: 'Invite an address to make an account',
    load: async () => (await invitations()).invite,
  },
  { name: 'verify', help: 'Say that an address is proven', load: async () => (await person()).verify },
  {
    name: 'reset-factors',
    help: 'Take second factors and passkeys away from a person who lost them',
    load: async () => (await person()).resetFactors,
  },
  {
    name: 'sessions list',
    help: 'Where a person is signed in',
    load: async () => (await sessions()).list,
  },
  { name: 'sessions end', help: 'Sign a person out, or everybody', load: async () => (await sessions()).end },
  { name: 'client add', help: 'Register a client', load: async () => (await client()).add },
  {
    name: 'client show',
    help: 'Everything about a client, but its secret',
    load: async () => (await client()).show,
  },
  { name: 'client list', help: 'All clients', load: async () => (await client()).list },
  {
    name: 'client remove',
    help: 'Remove a client; its grants and tokens end',
    load: async () => (await client()).remove,
  },
  {
    name: 'client token add',
    help: 'Make an initial access token: who holds it may register a client',
    load: async () => (await clientToken()).add,
  },
  {
    name: 'client token list',
    help: 'Initial access tokens that have not expired',
    load: async () => (await clientToken()).list,
  },
  {
    name: 'client token remove',
    help: 'End an initial access token; clients that used it stay',
    load: async () => (await clientToken()).remove,
  },
  {
    name: 'config check',
    help: 'Say what the configuration comes to, and every problem it has',
    load: async () => (await import('./config_check.ts')).check,
  },
  {
    name: 'health',
    help: 'Ask the server on this machine whether it can serve; exit code 0 when it can',
    load: async () => (await import('./health.ts')).health,
  },
]
