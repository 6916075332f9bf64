/** Reads email addresses to which mail can be sent. https://www.rfc-editor.org/rfc/rfc5321#section-4.1.2 */
import { asciiDomain, unicodeDomain } from './ascii_domain.ts'
import { lazy } from './lazy.ts'
import { normalize } from './normalize.ts'
import { hasUnsafe } from './unsafe_text.ts'

/** RFC 5321 §4.5.3.1, in bytes. */
const longest = { local: 64, whole: 254 }

/** Letters and the signs of an atom. No quotes or comments: they are not used in practice, and injections need them. */
const localPart = (letters: string): RegExp => {
  const atom = `[${letters}!#$%&'*+/=?^_\`{|}~-]+`
  return new RegExp(`^${atom}(?:\\.${atom})*$`, 'u')
}
const asciiLocal = localPart('A-Za-z0-9')
/** Letters of any script: the classes take a millisecond to compile. */
const anyLocal = lazy(() => localPart('\\p{L}\\p{N}\\p{M}'))
const isAscii = /^[\x21-\x7e]*$/
const label = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/

/**
 * The address in `text`, trimmed; undefined when it is not an address to which mail can be sent. A returned address has
 * no white space, control character, quote, comma or bracket, so that it cannot change the structure of a mail header.
 */
export function readMailAddress(text: string): string | undefined {
  const address = normalize(text, 'NFC').trim()
  const at = address.lastIndexOf('@')
  const [local, domain] = [address.slice(0, at), address.slice(at + 1)]
  const ascii = /[\s%/\\?#:[\]]/.test(domain) ? '' : asciiDomain(domain)
  const labels = ascii.split('.')
  const isOne =
    at > 0 &&
    Buffer.byteLength(local) <= longest.local &&
    Buffer.byteLength(address) <= longest.whole &&
    (asciiLocal.test(local) || anyLocal().test(local)) &&
    !hasUnsafe(domain, 'address') &&
    labels.length > 1 &&
    labels.every((each) => label.test(each)) &&
    !/^\d+$/.test(labels.at(-1)!)
  if (!isOne) return undefined
  // The relay converts a domain by rules of its own: it gets a spelling that every rule reads as the domain checked here.
  return isAscii.test(domain) ? address : `${local}@${unicodeDomain(ascii)}`
}
