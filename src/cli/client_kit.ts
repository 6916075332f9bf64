/** `latchkey client kit`: the files with which the work with a client starts. docs/kits.md */
import { lstatSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { isSecretOf } from '../clients/client_secret.ts'
import type { Context } from '../contracts/context.ts'
import { metadata } from '../endpoints/discovery.ts'
import { noClient } from '../endpoints/operator_clients.ts'
import type { Kit, KitFile } from '../kits/kit.ts'
import { kitOf, kits, makeKit } from '../kits/kits.ts'
import { kitProvider } from '../kits/provider.ts'
import { nearest } from '../lib/nearest.ts'
import { Client, needsSecret } from '../models/client.ts'
import { withContext } from './administration.ts'
import { type Answer, defineCommand } from './command.ts'
import { Refusal, UsageError } from './failure.ts'
import { print, printable } from './output.ts'
import { writeLines } from './output_file.ts'
import { readGiven } from './secret_option.ts'

const kinds = kits.map(({ kind }) => kind)

export const kit = defineCommand({
  takes: ['CLIENT_ID'],
  options: {
    for: { type: 'string', value: 'KIND', help: kinds.join(', ') },
    to: { type: 'string', value: 'FOLDER', help: 'Write the files there. Default: print them' },
    issuer: { type: 'string', value: 'URL', help: 'Issuer of the provider. Default: ISSUER_URL' },
    'secret-stdin': {
      type: 'boolean',
      help: 'Put the secret of the client into the files; it is read from stdin',
    },
    'secret-file': {
      type: 'string',
      value: 'FILE',
      help: 'Put the secret of the client into the files; it is read from a file (one line)',
    },
  },
  async run(options, [clientId]) {
    const kind = readKind(options.for)
    const issuer = readIssuer(options.issuer)
    const secret = await readGiven(options)
    return withContext('clients', async (context) => {
      const client = await Client.find(context, clientId)
      if (!client) throw noClient(clientId)
      requireOwnSecret(context, client, secret)
      const provider = kitProvider(context, metadata(context), issuer)
      if (issuer === undefined) noteIssuer(provider.issuer)
      const made = makeKit(kind, {
        client,
        provider,
        secret,
        random: context.random,
      })
      if ('misfit' in made) {
        const { problem, command } = made.misfit
        throw new Refusal(command === undefined ? problem : `${problem}:\n${command}`)
      }
      if (options.to !== undefined) await write(options.to, made.files)
      return answerOf({ kind: kind.kind, client, issuer: provider.issuer, ...made }, options.to)
    })
  },
})

function readKind(name: string | undefined): Kit {
  const kind = kitOf(name ?? '')
  if (kind) return kind
  const near = nearest(name ?? '', kinds)
  const came = name === undefined ? '' : `, got ${printable(name)}`
  throw new UsageError(
    `--for: expected ${near.length > 0 ? near.join(' or ') : `one of ${kinds.join(', ')}`}${came}`,
  )
}

function readIssuer(text: string | undefined): string | undefined {
  if (text === undefined) return undefined
  const url = URL.parse(text)
  if (!url || !/^https?:$/.test(url.protocol) || url.search !== '' || url.hash !== '' || url.username !== '')
    throw new UsageError(`--issuer: expected an http or https URL, got ${printable(text)}`)
  return url.href.replace(/\/+$/, '')
}

/** On stderr, so that a file on stdout stays as it is. A client on another machine does not reach this address. */
function noteIssuer(issuer: string): void {
  if (!/^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(new URL(issuer).hostname)) return
  process.stderr.write(
    `note: the files name the issuer ${printable(issuer)}, which is this machine; --issuer URL or ISSUER_URL names another\n`,
  )
}

/** A secret that is not that of the client would be found out only when the application runs. */
function requireOwnSecret(context: Context, client: Client, secret: string | undefined): void {
  if (secret === undefined) return
  if (!needsSecret(client))
    throw new UsageError(`--secret-stdin, --secret-file: ${printable(client.client_id)} has no secret`)
  if (!isSecretOf(client, [secret], context))
    throw new Refusal(
      `the secret is not that of ${printable(client.client_id)}; latchkey client secret ${printable(client.client_id)} makes a new one`,
    )
}

/** Nothing that is there is replaced, and no link leads out of the folder. */
async function write(folder: string, files: readonly KitFile[]): Promise<void> {
  for (const { path } of files) requireFree(folder, path)
  for (const { path, text, isPrivate, isProgram } of files) {
    const target = join(folder, path)
    await mkdir(dirname(target), { recursive: true })
    const mode = (isPrivate ? 0o600 : 0o644) | (isProgram ? (isPrivate ? 0o100 : 0o111) : 0)
    await writeLines(target, [text.replace(/\n$/, '')], mode)
  }
}

function requireFree(folder: string, path: string): void {
  const parts = path.split('/')
  parts.forEach((_, at) => {
    const each = join(folder, ...parts.slice(0, at + 1))
    const there = lstatSync(each, { throwIfNoEntry: false })
    const isOwnFolder = at < parts.length - 1 && there?.isDirectory()
    if (there && !isOwnFolder)
      throw new Refusal(`${printable(each)} is there already; name another folder, or remove it`)
  })
}

interface Made {
  kind: string
  client: Client
  issuer: string
  files: readonly KitFile[]
  run: readonly string[]
}

function answerOf({ kind, client, issuer, files, run }: Made, folder: string | undefined): Answer {
  const shown = files.map(({ path, text }) => (folder === undefined ? { path, text } : { path }))
  const facts = {
    client_id: client.client_id,
    issuer,
    kind,
    ...(folder !== undefined && { folder }),
    files: shown,
    run,
  }
  return {
    facts,
    show() {
      if (folder === undefined) return printFiles(files)
      print(files.map(({ path }) => printable(join(folder, path))).join('\n'))
      if (run.length > 0)
        print(`\nThen run, in ${printable(folder)}:\n${run.map((line) => `  ${line}`).join('\n')}`)
    },
  }
}

/** One file is printed as it is, so that it can be redirected. */
function printFiles(files: readonly KitFile[]): void {
  const [only] = files
  if (files.length === 1 && only) process.stdout.write(only.text)
  else for (const { path, text } of files) process.stdout.write(`==> ${path} <==\n${text}\n`)
}
