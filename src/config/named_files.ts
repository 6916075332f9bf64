/** Reads files that settings name. A fault names the setting, the path and the next step. */
import { X509Certificate } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { ownMember } from '../lib/own_member.ts'
import { SettingFault } from './setting_fault.ts'

const causes: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'this user may not read it',
  EPERM: 'this user may not read it',
  EISDIR: 'it is a folder',
  ENOTDIR: 'a part of the path is a file and not a folder',
  ELOOP: 'its symbolic links lead back to themselves',
  EFBIG: 'it is larger than 16 MiB',
}

/** The code of an error of the system, with its meaning where that is known. */
export function causeOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : undefined
  if (code === undefined) return error instanceof Error ? error.message : String(error)
  const cause = ownMember(causes, code)
  return cause === undefined ? code : `${code}: ${cause}`
}

/** A device such as /dev/zero has no end. */
const largestFile = 16_777_216

const refusal = (code: string): Error => Object.assign(new Error(code), { code })

function bytesOf(path: string): Buffer {
  const found = statSync(path)
  if (found.isDirectory()) throw refusal('EISDIR')
  if (found.isCharacterDevice() || found.isBlockDevice()) throw new Error('it is a device')
  if (found.size > largestFile) throw refusal('EFBIG')
  return readFileSync(path)
}

/** False for anything that is not there, or below a file. */
export function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory()
  } catch {
    return false
  }
}

/** The text of the file that `variable` names. Throws SettingFault. */
export function readNamed(variable: string, path: string): string {
  try {
    return bytesOf(path).toString('utf8')
  } catch (error) {
    throw new SettingFault(
      variable,
      `expected a readable file, got ${path} (${causeOf(error)}). Name a file that the user of this process may read`,
    )
  }
}

/** What a text has in place of PEM that was expected: the name of its first block, without its content. */
export const blockIn = (text: string): string | undefined =>
  /-----BEGIN ([A-Z0-9 ]{1,40})-----/.exec(text)?.[1]

const begin = '-----BEGIN CERTIFICATE-----'
const block = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g

/** The certificates in the text of a PEM file, in their order, at least one. Throws SettingFault. */
export function certificatesIn(variable: string, pem: string, path: string): X509Certificate[] {
  const refuse = (came: string) =>
    new SettingFault(variable, `expected a file of certificates in PEM, got ${path}: ${came}`)
  const count = pem.split(begin).length - 1
  if (count === 0) throw refuse(`it has no certificate but ${blockIn(pem) ?? 'other text'}`)
  const blocks = pem.match(block) ?? []
  if (blocks.length < count) throw refuse('a certificate without its end')
  return blocks.map((each, at) => {
    try {
      return new X509Certificate(each)
    } catch {
      throw refuse(`certificate ${at + 1} of ${count} is damaged`)
    }
  })
}

/** The PEM of the file, and the certificate authorities in it. Throws SettingFault. */
export function readAuthorities(
  variable: string,
  path: string,
): { pem: string; certificates: readonly X509Certificate[] } {
  const pem = readNamed(variable, path)
  return { pem, certificates: certificatesIn(variable, pem, path) }
}

/** Why certificates are of no use at `now` (milliseconds); undefined while one is valid. */
export function validityProblem(certificates: readonly X509Certificate[], now: number): string | undefined {
  const problems = certificates.map(({ validFrom, validTo }) =>
    now > Date.parse(validTo)
      ? `one that has expired: it was valid until ${validTo}`
      : now < Date.parse(validFrom)
        ? `one that is valid from ${validFrom} on`
        : undefined,
  )
  return problems.includes(undefined)
    ? undefined
    : `expected a valid certificate, got ${problems[0]}. Renew it, and check the clock of this machine`
}
