/** Asks a service whether a password is known from a breach; the service learns five characters of its SHA-1. https://haveibeenpwned.com/API/v3#PwnedPasswords */
import type { Context } from '../../contracts/context.ts'
import { OutboundError } from '../../outbound/outbound.ts'
import { settings } from './settings.ts'

/** Characters of the hash that are sent. The others are compared here. */
const prefixLength = 5
const timeoutMs = 1_500
/** A range has about a thousand lines of 40 characters, padding included. */
const maxBytes = 512 * 1024

/** False also when the service fails: an outage must not prevent password changes. The log reports it. */
export async function isBreached(context: Context, password: string): Promise<boolean> {
  const { passwordBreachUrl } = settings(context)
  if (passwordBreachUrl === undefined) return false
  const hash = new Bun.CryptoHasher('sha1').update(password).digest('hex').toUpperCase()
  const url = `${passwordBreachUrl.replace(/\/*$/, '/')}${hash.slice(0, prefixLength)}`
  try {
    // Add-Padding hides the length of the answer from an observer of the network.
    const { status, body } = await context.outbound.fetch(url, {
      purpose: 'password_breach',
      headers: { 'add-padding': 'true' },
      accept: 'text/plain',
      maxBytes,
      timeoutMs,
    })
    if (status !== 200) throw new OutboundError('malformed', `answered ${status}`)
    return holds(body, hash.slice(prefixLength))
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error)
    context.log.warn('password_breach_check_skipped', { problem })
    return false
  }
}

/** Lines `SUFFIX:COUNT`; a count of 0 is padding. */
const holds = (body: string, suffix: string): boolean =>
  body.split(/\r?\n/).some((line) => {
    const [left = '', count = '0'] = line.trim().split(':')
    return left.toUpperCase() === suffix && Number(count) > 0
  })
