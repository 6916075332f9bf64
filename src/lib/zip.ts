/** A ZIP file of a few small texts, stored as they are. https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT */
import { utf8 } from './bytes.ts'

export interface ZipEntry {
  /** Relative, with `/`. */
  path: string
  text: string
  /** Of a POSIX file system, such as 0o644. */
  mode: number
}

/** 1 January 1980: a file of the same texts has the same bytes. */
const date = 0x21
/** The names are in UTF-8. */
const flags = 0x800
const version = 20
/** Made on a POSIX system, so that the modes count. */
const madeBy = (3 << 8) | version
const regularFile = 0o100_000

type Field = readonly [bytes: 2 | 4, value: number]

function record(fields: readonly Field[], ...rest: readonly Uint8Array[]): Uint8Array {
  const head = new DataView(new ArrayBuffer(fields.reduce((sum, [bytes]) => sum + bytes, 0)))
  let at = 0
  for (const [bytes, value] of fields) {
    if (bytes === 2) head.setUint16(at, value, true)
    else head.setUint32(at, value, true)
    at += bytes
  }
  return Buffer.concat([new Uint8Array(head.buffer), ...rest])
}

/** What the local header and that of the directory share. */
const shared = (name: Uint8Array, content: Uint8Array): Field[] => [
  ...([
    [2, version],
    [2, flags],
    [2, 0],
    [2, 0],
    [2, date],
  ] as const),
  ...([
    [4, Bun.hash.crc32(content)],
    [4, content.length],
    [4, content.length],
  ] as const),
  ...([
    [2, name.length],
    [2, 0],
  ] as const),
]

export function zip(entries: readonly ZipEntry[]): Uint8Array<ArrayBuffer> {
  const files: Uint8Array[] = []
  const directory: Uint8Array[] = []
  let offset = 0
  for (const { path, text, mode } of entries) {
    const [name, content] = [utf8(path), utf8(text)]
    const local = record([[4, 0x04034b50], ...shared(name, content)], name, content)
    directory.push(
      record(
        [
          ...([[4, 0x02014b50], [2, madeBy], ...shared(name, content)] as const),
          ...([
            [2, 0],
            [2, 0],
            [2, 0],
            [4, (regularFile | mode) * 0x1_0000],
            [4, offset],
          ] as const),
        ],
        name,
      ),
    )
    files.push(local)
    offset += local.length
  }
  const size = directory.reduce((sum, { length }) => sum + length, 0)
  const end = record([
    ...([
      [4, 0x06054b50],
      [2, 0],
      [2, 0],
      [2, entries.length],
      [2, entries.length],
    ] as const),
    ...([
      [4, size],
      [4, offset],
      [2, 0],
    ] as const),
  ])
  return new Uint8Array(Buffer.concat([...files, ...directory, end]))
}
