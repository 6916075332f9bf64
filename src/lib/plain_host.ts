/** Which host a URL of another party may name. https://www.rfc-editor.org/rfc/rfc1123#section-2.1 */

/**
 * Whether `hostname`, as a parsed URL has it, is made of letters, digits, dots and hyphens or is an address in brackets.
 * The URL standard takes more, such as `a;sandbox` and `a'b`, which mean something in a header.
 */
export const isPlainHost = (hostname: string): boolean => /^(?:[a-z0-9.-]+|\[[0-9a-f:.]+\])$/i.test(hostname)

/** A private-use scheme has no host, but its URIs may have a word in that place: `com.example.app://sign_in`. */
const plainWord = /^[\w.~-]*$/

/** What is wrong with the host of `url`, as the end of a sentence; undefined when nothing is. */
export function hostProblem({ protocol, hostname }: URL): string | undefined {
  const plain = isPlainHost(hostname) || (!/^https?:$/.test(protocol) && plainWord.test(hostname))
  return plain ? undefined : 'names a host with other characters than letters, digits, dots and hyphens'
}
