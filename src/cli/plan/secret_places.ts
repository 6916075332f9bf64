/** Reads the secrets to which a configuration file refers. No value is in a message. docs/configuration_files.md, "Secrets" */
import { realpathSync } from 'node:fs'
import { dirname, isAbsolute, resolve, sep } from 'node:path'
import { readNamed } from '../../config/named_files.ts'
import type { Env } from '../../config/read.ts'
import { referenceIn } from '../../config/secret_reference.ts'
import { leastSecret } from '../../clients/client_secret.ts'
import { weakness } from '../secret_option.ts'
import { readEnvironment } from '../environment.ts'
import { isSecretVariable, readReference } from '../secrets.ts'

export const generated = 'generate'

const places = 'env:NAME, file:PATH, vault:PATH#FIELD, awssm:NAME, gcpsm:NAME or generate'

export interface SecretRules {
  /** The file that refers to it: a relative path is below its folder. */
  file: string
  allowExec: boolean
  allowWeak: boolean
}

/** The place cannot be used, or its secret cannot; the message says what was expected and quotes no secret. */
export class PlaceProblem extends Error {
  override readonly name = 'PlaceProblem'
}

function fromVariable(name: string, env: Env): string {
  if (!/^[A-Za-z_][A-Za-z0-9_]{0,199}$/.test(name))
    throw new PlaceProblem('expected the name of a variable after env:')
  if (isSecretVariable(name))
    throw new PlaceProblem(`${name} is a secret of Latchkey itself, which no client may have`)
  const value = env[name]
  if (!value) throw new PlaceProblem(`the variable ${name} is not set; set it where this command runs`)
  return value
}

/** An absolute path as it is; a relative one must stay in the folder of the file, links included. */
function fromFile(path: string, { file }: SecretRules): string {
  if (path === '' || path.includes('\0')) throw new PlaceProblem('expected a path after file:')
  const folder = realpathSync(dirname(resolve(file)))
  const whole = isAbsolute(path) ? path : resolve(folder, path)
  try {
    const real = realpathSync(whole)
    if (!isAbsolute(path) && !real.startsWith(folder.endsWith(sep) ? folder : folder + sep))
      throw new PlaceProblem('a relative path must stay in the folder of the file; give an absolute path')
    return readNamed('file:', real).replace(/\r?\n$/, '')
  } catch (error) {
    if (error instanceof PlaceProblem) throw error
    const { code } = error as NodeJS.ErrnoException
    throw new PlaceProblem(
      `expected a readable file${code === undefined ? '' : ` (${code})`}; name a file that this user may read`,
    )
  }
}

async function read(place: string, rules: SecretRules, env: Env): Promise<string> {
  if (place.startsWith('env:')) return fromVariable(place.slice(4), env)
  if (place.startsWith('file:')) return fromFile(place.slice(5), rules)
  const reference = referenceIn(place)
  if (!reference) throw new PlaceProblem(`expected ${places}. A secret itself does not belong in the file`)
  if (reference.scheme === 'exec' && !rules.allowExec)
    throw new PlaceProblem('exec: runs a command that the file names; --allow-exec permits it')
  try {
    return (await readReference(reference, env)).replace(/\r?\n$/, '')
  } catch (error) {
    throw new PlaceProblem((error as Error).message)
  }
}

/** Whether a server can read a secret there: a path is absolute, and no command is run. */
export const isPlace = (text: string): boolean => /^(?:(?:env|vault|awssm|gcpsm):.|file:\/)/.test(text)

/** The secret at such a place. Throws PlaceProblem. */
export const referredSecret = (place: string, env: Env): Promise<string> =>
  read(place, { file: '', allowExec: false, allowWeak: true }, env)

/** The secret at the place, with the rules of `client add`. Throws PlaceProblem. */
export async function secretAt(
  place: string,
  client: Parameters<typeof leastSecret>[0],
  rules: SecretRules,
): Promise<string> {
  const secret = await read(place, rules, readEnvironment().env)
  if (!/^[\x21-\x7e]{1,512}$/.test(secret))
    throw new PlaceProblem('expected a secret of 1 to 512 characters of ASCII without spaces, in one line')
  const least = leastSecret(client)
  if (secret.length < least)
    throw new PlaceProblem(
      `expected a secret of at least ${least} characters for client_secret_jwt (RFC 7518 §3.2), got ${secret.length}`,
    )
  const weak = rules.allowWeak ? undefined : weakness(secret)
  if (weak !== undefined)
    throw new PlaceProblem(
      `the secret has ${weak}; make one with openssl rand -base64 33, or accept it with --weak-secret`,
    )
  return secret
}
