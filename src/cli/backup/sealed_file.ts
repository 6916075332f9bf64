/** A stream sealed in chunks, of which none can be changed, moved, repeated or left out. https://eprint.iacr.org/2015/189 (STREAM) */
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'
import { Refusal } from '../failure.ts'

/** The version of the format is in the first line, which each chunk is bound to. */
const title = 'latchkey backup '
const version = 1
const head = Buffer.from(`${title}${version}\n`)
const saltBytes = 32
/** Of the text in each chunk but the last: fixed, so that no length in the file has to be believed. */
export const chunkBytes = 65_536
const tagBytes = 16

/** A key of its own for each file, so that the counter of its chunks may begin at 0. */
const keyOf = (secret: string, salt: Buffer): Buffer =>
  Buffer.from(hkdfSync('sha256', secret, salt, 'latchkey backup file 1', 32))

/** 88 bits of the number of the chunk, and whether it is the last. */
function nonceOf(chunk: number, isLast: boolean): Buffer {
  const nonce = Buffer.alloc(12)
  nonce.writeBigUInt64BE(BigInt(chunk), 3)
  nonce[11] = isLast ? 1 : 0
  return nonce
}

/** Pieces of exactly `size` bytes, and a last one of 1 to `size`, or of 0 when there is nothing. */
async function* inChunks(
  parts: AsyncIterable<Uint8Array>,
  size: number,
): AsyncGenerator<{ chunk: Buffer; isLast: boolean }> {
  let held = Buffer.alloc(0)
  for await (const part of parts) {
    held = Buffer.concat([held, part])
    for (; held.length > size; held = held.subarray(size))
      yield { chunk: held.subarray(0, size), isLast: false }
  }
  yield { chunk: held, isLast: true }
}

export async function* sealFile(secret: string, text: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const salt = randomBytes(saltBytes)
  yield Buffer.concat([head, salt])
  const key = keyOf(secret, salt)
  let number = 0
  for await (const { chunk, isLast } of inChunks(text, chunkBytes)) {
    const cipher = createCipheriv('aes-256-gcm', key, nonceOf(number++, isLast))
    cipher.setAAD(head)
    yield Buffer.concat([cipher.update(chunk), cipher.final(), cipher.getAuthTag()])
  }
}

/** Throws Refusal at the first byte that `sealFile` did not write with this secret, and where the end is missing. */
export async function* openFile(secret: string, file: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  const parts = file[Symbol.asyncIterator]()
  let start = Buffer.alloc(0)
  while (start.length < head.length + saltBytes) {
    const { done, value } = await parts.next()
    if (done) break
    start = Buffer.concat([start, value])
  }
  requireTitle(start)
  const salt = start.subarray(head.length, head.length + saltBytes)
  if (salt.length < saltBytes) throw new Refusal('the backup is cut off in its first line')
  const key = keyOf(secret, salt)
  async function* rest(): AsyncGenerator<Uint8Array> {
    yield start.subarray(head.length + saltBytes)
    yield* { [Symbol.asyncIterator]: () => parts }
  }
  let number = 0
  for await (const { chunk, isLast } of inChunks(rest(), chunkBytes + tagBytes)) {
    yield openChunk(key, chunk, number, isLast)
    number++
  }
}

function requireTitle(start: Buffer): void {
  if (start.subarray(0, head.length).equals(head)) return
  const text = start.subarray(0, title.length + 10).toString('latin1')
  const [, other] = /^latchkey backup (\d{1,6})\n/.exec(text) ?? []
  throw new Refusal(
    other === undefined
      ? 'expected a file that latchkey backup made, got another kind of file'
      : `the backup has format ${other}, and this release reads format ${version}: use the release that made it`,
  )
}

function openChunk(key: Buffer, chunk: Buffer, number: number, isLast: boolean): Buffer {
  const end = chunk.length - tagBytes
  try {
    const decipher = createDecipheriv('aes-256-gcm', key, nonceOf(number, isLast), {
      authTagLength: tagBytes,
    })
    decipher.setAAD(head)
    decipher.setAuthTag(chunk.subarray(end))
    return Buffer.concat([decipher.update(chunk.subarray(0, end)), decipher.final()])
  } catch {
    throw new Refusal(
      number === 0
        ? 'BACKUP_KEY is not the key of this backup, or the file was changed or cut off'
        : `the backup was changed or cut off after ${number * chunkBytes} bytes of its text`,
    )
  }
}
