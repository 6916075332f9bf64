/** The list of commands. The modules of a command are loaded when it is called. */
import { type CommandEntry, defineProcess } from './command.ts'
import { realmCommands } from './realms/commands.ts'
import { secretCommands } from './secret_commands.ts'
import { startServer } from './start_server.ts'

const serve = async () => defineProcess({ options: {}, run: () => startServer() })
const keys = () => import('./keys.ts')
const user = () => import('./user.ts')
const transfer = () => import('./user_transfer.ts')
const invitations = () => import('./invite.ts')
const person = () => import('./person.ts')
const sessions = () => import('./sessions.ts')
const client = () => import('./client.ts')
const audit = () => import('./audit.ts')
const migrate = () => import('./migrate/migrate.ts')
const admin = () => import('./admin.ts')
const classroom = () => import('./classroom.ts')
const clientToken = () => import('./client_token.ts')

export const commands: readonly CommandEntry[] = [
  { name: 'serve', help: 'Start the server (the default command)', load: serve },
  {
    name: 'keys generate',
    help: 'Generate missing signing keys',
    load: async () => (await keys()).generate,
  },
  {
    name: 'keys rotate',
    help: 'Publish the next signing keys; they start to sign after KEY_ACTIVATION_DELAY',
    load: async () => (await keys()).rotate,
  },
  {
    name: 'keys replace',
    help: 'Replace all keys at once, where they were lost or leaked',
    load: async () => (await keys()).replace,
  },
  {
    name: 'keys list',
    help: 'List the signing keys and the state of each',
    load: async () => (await keys()).list,
  },
  ...secretCommands,
  { name: 'jwks', help: 'Print the public keys as a JWKS (RFC 7517)', load: async () => (await keys()).jwks },
  {
    name: 'pkce',
    help: 'Generate a code_verifier and its code_challenge (RFC 7636)',
    load: async () => (await import('./pkce.ts')).pkce,
  },
  { name: 'user add', help: 'Create an account', load: async () => (await user()).add },
  {
    name: 'user passwd',
    help: 'Set a new password and sign the user out everywhere',
    load: async () => (await user()).passwd,
  },
  {
    name: 'user reset',
    help: 'Email the user a link to choose a new password',
    load: async () => (await user()).reset,
  },
  {
    name: 'user disable',
    help: 'Disable an account and end its sessions, grants and tokens',
    load: async () => (await user()).disable,
  },
  { name: 'user enable', help: 'Enable a disabled account', load: async () => (await user()).enable },
  { name: 'user list', help: 'List all accounts', load: async () => (await user()).list },
  {
    name: 'user show',
    help: 'Show an account, its factors, sessions and clients',
    load: async () => (await import('./user_show.ts')).show,
  },
  {
    name: 'user remove',
    help: 'Erase an account and all that is stored about it',
    load: async () => (await import('./user_remove.ts')).remove,
  },
  {
    name: 'user set',
    help: 'Change the attributes, roles and claims of an account',
    load: async () => (await import('./user_set.ts')).set,
  },
  {
    name: 'user import',
    help: 'Import accounts from a file, with password hashes from other systems',
    load: async () => (await transfer()).importUsers,
  },
  {
    name: 'user export',
    help: 'Export all accounts as JSON or CSV',
    load: async () => (await transfer()).exportUsers,
  },
  {
    name: 'invite list',
    help: 'List pending invitations',
    load: async () => (await invitations()).list,
  },
  { name: 'invite revoke', help: 'Revoke an invitation', load: async () => (await invitations()).revoke },
  {
    name: 'invite',
    help: 'Invite the owner of an address to create an account',
    load: async () => (await invitations()).invite,
  },
  { name: 'verify', help: 'Mark an email address as verified', load: async () => (await person()).verify },
  {
    name: 'reset-factors',
    help: 'Remove all second factors and passkeys of an account',
    load: async () => (await person()).resetFactors,
  },
  {
    name: 'sessions list',
    help: 'List the sessions of an account, or of all',
    load: async () => (await sessions()).list,
  },
  {
    name: 'sessions end',
    help: 'End sessions: one, all of an account, or all',
    load: async () => (await sessions()).end,
  },
  {
    name: 'admin grant',
    help: 'Give an account a role of the administration: owner, operator, support or auditor',
    load: async () => (await admin()).grant,
  },
  {
    name: 'admin revoke',
    help: 'Take the role of the administration from an account',
    load: async () => (await admin()).revoke,
  },
  { name: 'admin list', help: 'List the administrators', load: async () => (await admin()).list },
  { name: 'client add', help: 'Register a client', load: async () => (await client()).add },
  {
    name: 'client show',
    help: 'Show a client, without its secret',
    load: async () => (await client()).show,
  },
  {
    name: 'client set',
    help: 'Change or remove members of a client',
    load: async () => (await import('./client_set.ts')).set,
  },
  {
    name: 'client secret',
    help: 'Make a new secret, while the old one still holds',
    load: async () => (await import('./client_secret.ts')).secret,
  },
  {
    name: 'client kit',
    help: 'Write the files that start the work with a client: requests, scripts, applications',
    load: async () => (await import('./client_kit.ts')).kit,
  },
  { name: 'client list', help: 'List all clients', load: async () => (await client()).list },
  {
    name: 'client remove',
    help: 'Remove a client and end its grants and tokens',
    load: async () => (await client()).remove,
  },
  {
    name: 'client token add',
    help: 'Create an initial access token for client registration',
    load: async () => (await clientToken()).add,
  },
  {
    name: 'client token list',
    help: 'List the initial access tokens that have not expired',
    load: async () => (await clientToken()).list,
  },
  {
    name: 'client token remove',
    help: 'Revoke an initial access token; its clients stay registered',
    load: async () => (await clientToken()).remove,
  },
  {
    name: 'usage',
    help: 'Show tokens, sign-ins, refusals, active people and sessions by client, hour or day',
    load: async () => (await import('./usage.ts')).show,
  },
  {
    name: 'audit verify',
    help: 'Verify the audit trail of the store, or an exported file, and name the first entry that is wrong',
    load: async () => (await audit()).verify,
  },
  {
    name: 'audit list',
    help: 'Show entries of the audit trail, newest first',
    load: async () => (await import('./audit_list.ts')).list,
  },
  {
    name: 'audit export',
    help: 'Write the audit trail to a file: JSON Lines, which verify anywhere, CSV, OCSF or ECS',
    load: async () => (await audit()).exportTrail,
  },
  {
    name: 'audit report',
    help: 'Write a report for an auditor: rights, what administrators did, failed sign-ins, factors, dormant accounts',
    load: async () => (await import('./audit_report.ts')).report,
  },
  {
    name: 'audit jwks',
    help: 'Print the public keys that sign the checkpoints of the audit trail',
    load: async () => (await audit()).jwks,
  },
  {
    name: 'audit rotate',
    help: 'Make a new key for checkpoints; the old one still verifies',
    load: async () => (await audit()).rotate,
  },
  ...realmCommands,
  {
    name: 'config check',
    help: 'Show the effective configuration and all its problems',
    load: async () => (await import('./config_check.ts')).check,
  },
  {
    name: 'backup',
    help: 'Write what the store keeps into one encrypted file, while the server runs',
    load: async () => (await import('./backup/backup.ts')).backup,
  },
  {
    name: 'restore',
    help: 'Fill an empty store from a backup; the server must be stopped',
    load: async () => (await import('./backup/restore.ts')).restore,
  },
  {
    name: 'migrate status',
    help: 'Say how far a move between two stores is',
    load: async () => (await migrate()).status,
  },
  {
    name: 'migrate abort',
    help: 'Undo a move that did not end: empty the target, and release the source',
    load: async () => (await migrate()).abort,
  },
  {
    name: 'migrate',
    help: 'Move all data from one store to another; the servers must be stopped',
    load: async () => (await migrate()).migrate,
  },
  {
    name: 'store schema',
    help: 'Print the tables of the store in PostgreSQL, as SQL',
    load: async () => (await import('./store_schema.ts')).schema,
  },
  {
    name: 'health',
    help: 'Check the server on this machine; exit code 0 if it is healthy',
    load: async () => (await import('./health.ts')).health,
  },
  {
    name: 'plan',
    help: 'Show what a configuration file would change, and what would break',
    load: async () => (await import('./plan/plan.ts')).plan,
  },
  {
    name: 'apply',
    help: 'Change the store as a configuration file says, all or nothing',
    load: async () => (await import('./plan/apply.ts')).apply,
  },
  {
    name: 'rollback',
    help: 'Apply the configuration file of an earlier version again',
    load: async () => (await import('./plan/rollback.ts')).rollback,
  },
  {
    name: 'drift',
    help: 'Show what was changed beside the configuration file',
    load: async () => (await import('./plan/drift.ts')).drift,
  },
  {
    name: 'export-config',
    help: 'Write the present clients as a configuration file',
    load: async () => (await import('./plan/export_config.ts')).exportConfig,
  },
  {
    name: 'examine',
    help: 'Check a provider, this one or another, as a certifier would',
    load: async () => (await import('./examine/examine.ts')).command,
  },
  {
    name: 'try-client',
    help: 'Tell a relying party wrong things, and report which of them it swallows',
    load: async () => (await import('./try_client/try_client.ts')).tryClient,
  },
  { name: 'classroom', help: 'Open a classroom of the lab', load: async () => (await classroom()).classroom },
  {
    name: 'monitor report',
    help: 'Availability and latency of the last 24 hours',
    load: async () => (await import('./monitor/monitor.ts')).report,
  },
  {
    name: 'monitor',
    help: 'Watch a provider from outside, and alert',
    load: async () => (await import('./monitor/monitor.ts')).monitor,
  },
]
