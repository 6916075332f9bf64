/** Which account of the operating system runs this process, for the audit trail. */
import { readFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import type { Env } from '../config/read.ts'

/** Characters of a name that the environment says. */
const longest = 100

/**
 * The account by its number, which the kernel knows. `os.userInfo` takes the name from USER, which the
 * caller of a command chooses, as SUDO_USER: their values stand beside the account, in brackets.
 */
export function operatorName(env: Env = process.env, passwd = '/etc/passwd'): string {
  const uid = process.getuid?.()
  if (uid === undefined) return plain(userInfo().username) // Windows
  const name = nameOf(uid, passwd)
  const said = [...(name === undefined ? saidBy(env, 'USER') : []), ...saidBy(env, 'SUDO_USER', name)]
  return `${name ?? `uid ${uid}`}${said.length > 0 ? ` (${said.join(', ')})` : ''}`
}

const plain = (text: string): string => text.replaceAll(/[^\w.@-]/g, '-').slice(0, longest)

const saidBy = (env: Env, variable: string, name?: string): string[] => {
  const value = env[variable]
  return !value || value === name ? [] : [`${variable} ${plain(value)}`]
}

/** Undefined for an account of a directory, and in a container that has no name for it. */
function nameOf(uid: number, passwd: string): string | undefined {
  try {
    for (const line of readFileSync(passwd, 'utf8').split('\n')) {
      const [name = '', , number] = line.split(':')
      if (number === `${uid}` && name !== '') return plain(name)
    }
  } catch {
    // There is no such file.
  }
  return undefined
}
