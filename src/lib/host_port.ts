/** Parts that the URLs of stores have in common: host and port, text with percent-encoding. https://www.rfc-editor.org/rfc/rfc3986#section-3.2 */

export interface Host {
  host: string
  port: number
}

/** Reads `host`, `host:port` or `[IPv6]:port`; undefined for anything else. */
export function parseHost(item: string, defaultPort: number): Host | undefined {
  const [, bracketed, plain, port] = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/.exec(item) ?? []
  const host = bracketed ?? plain
  return host && Number(port ?? defaultPort) <= 65535
    ? { host, port: Number(port ?? defaultPort) }
    : undefined
}

/** Undefined when a % is not followed by two hexadecimal digits of UTF-8. */
export function decodePart(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}
