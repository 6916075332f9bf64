/** Reads a stream of bytes as UTF-8, and stops where it is longer than a bound. */

/** Undefined for a stream of more than `mostBytes`; what is left of it is not read. */
export async function boundedText(
  stream: AsyncIterable<Uint8Array> | null,
  mostBytes: number,
): Promise<string | undefined> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of stream ?? []) {
    size += chunk.byteLength
    if (size > mostBytes) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}
