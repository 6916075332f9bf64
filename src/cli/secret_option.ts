/** `--secret-stdin`, `--secret-file` and `--secret`: the client secret of an operator's own, in place of a random one. https://www.rfc-editor.org/rfc/rfc6749#section-10.10 */
import { readFile } from 'node:fs/promises'
import { leastSecret } from '../clients/client_secret.ts'
import type { Values } from './command.ts'
import { UsageError } from './failure.ts'

export const secretOptions = {
  'secret-stdin': { type: 'boolean', help: 'Read a secret of your own from stdin (one line)' },
  'secret-file': { type: 'string', value: 'FILE', help: 'Read a secret of your own from a file (one line)' },
  secret: {
    type: 'string',
    value: 'SECRET',
    help: 'A secret of your own. Others can see it in the list of processes and in the history of the shell',
  },
  'weak-secret': { type: 'boolean', help: 'Accept a secret of your own that can be guessed' },
} as const

type SecretValues = Values<typeof secretOptions>

const leastBits = 128
const leastDistinct = 8
const longest = 512

/** By the kinds of characters in the text: how many values each of them can have. */
const alphabets: readonly (readonly [RegExp, number])[] = [
  [/^\d*$/, 10],
  [/^[\da-f]*$|^[\dA-F]*$/, 16],
  [/^[\da-z]*$|^[\dA-Z]*$/, 36],
  [/^[\dA-Za-z_-]*$/, 64],
]

const isRepeated = (text: string): boolean => (text + text).indexOf(text, 1) < text.length

/** Why others could guess it; undefined for a text that looks random. Its own text is never quoted. */
export function weakness(secret: string): string | undefined {
  const size = alphabets.find(([form]) => form.test(secret))?.[1] ?? 94
  const bits = Math.floor(secret.length * Math.log2(size))
  if (bits < leastBits) return `at most ${bits} random bits, where ${leastBits} are needed`
  if (new Set(secret).size < leastDistinct) return `fewer than ${leastDistinct} different characters`
  return isRepeated(secret) ? 'the same text several times' : undefined
}

/** The text of the one option that is given, undefined without an option. Throws UsageError, which never quotes it. */
export async function readGiven(
  options: Pick<SecretValues, 'secret' | 'secret-file' | 'secret-stdin'>,
): Promise<string | undefined> {
  const { secret: argument, 'secret-file': file, 'secret-stdin': fromStdin } = options
  const ways = [argument, file, fromStdin].filter((each) => each !== undefined)
  if (ways.length > 1) throw new UsageError('expected one of --secret-stdin, --secret-file and --secret')
  if (ways.length === 0) return undefined
  const secret =
    argument ?? (await (file === undefined ? Bun.stdin.text() : readFile(file, 'utf8'))).replace(/\r?\n$/, '')
  if (!/^[\x21-\x7e]+$/.test(secret) || secret.length > longest)
    throw new UsageError(
      `the secret: expected 1 to ${longest} characters of ASCII without spaces, in one line`,
    )
  return secret
}

/** The given secret, checked for the client that it is to be. Throws UsageError, which never quotes it. */
export async function readSecret(
  options: SecretValues,
  client: Parameters<typeof leastSecret>[0],
): Promise<string | undefined> {
  const secret = await readGiven(options)
  if (secret === undefined) return undefined
  const least = leastSecret(client)
  if (secret.length < least)
    throw new UsageError(
      `the secret: expected at least ${least} characters for client_secret_jwt (RFC 7518 §3.2), got ${secret.length}`,
    )
  const weak = options['weak-secret'] ? undefined : weakness(secret)
  if (weak !== undefined)
    throw new UsageError(
      `the secret has ${weak}: leave it out for a random one, make one with \`openssl rand -base64 33\`, or accept it with --weak-secret`,
    )
  if (options.secret !== undefined)
    process.stderr.write(
      'warning: --secret stays in the history of the shell, and other users of this machine may have seen it in the list of processes; --secret-stdin and --secret-file do not show it\n',
    )
  return secret
}
