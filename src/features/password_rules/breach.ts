/** Whether a password is known from a breach, asked so that the one who answers learns five characters of its hash. https://haveibeenpwned.com/API/v3#PwnedPasswords */
import type { Context } from '../../contracts/context.ts'
import { OutboundError } from '../../outbound/outbound.ts'
import { settings } from './settings.ts'

/** The hash's first characters are asked for, the others compared here. */
const prefixLength = 5
const timeoutMs = 1_500
/** A range has about a thousand lines of 40 characters, padding included. */
const maxBytes = 512 * 1024

/** False too when nobody answers, for an outage elsewhere must not keep people from a new password; the log says so. */
export async function isBreached(context: Context, password: string): Promise<boolean> {
  const { passwordBreachUrl } = settings(context)
  if (passwordBreachUrl === undefined) return false
  const hash = new Bun.CryptoHasher('sha1').update(password).digest('hex').toUpperCase()
  const url = `${passwordBreachUrl.replace(/\/*$/, '/')}${hash.slice(0, prefixLength)}`
  try {
    // Add-Padding: the length of the answer tells a listener nothing either.
    const { status, body } = await context.outbound.fetch(url, {
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
