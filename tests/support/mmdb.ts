/** A MaxMind database made for a test: networks of IPv4 and what is known of them. https://maxmind.github.io/MaxMind-DB/ */

type Value = string | number | { readonly [name: string]: Value } | readonly Value[]

const types = { string: 2, uint16: 5, uint32: 6, map: 7, uint64: 9, array: 11 } as const

/** The control byte of a field, with its size; types above 7 take a byte more. */
function control(type: number, size: number): number[] {
  if (size >= 285) throw new Error('too long for this writer')
  const sizeBits = size < 29 ? size : 29
  const rest = size < 29 ? [] : [size - 29]
  return type <= 7 ? [(type << 5) | sizeBits, ...rest] : [sizeBits, type - 7, ...rest]
}

function encode(value: Value, integer: number = types.uint32): number[] {
  if (typeof value === 'string') {
    const bytes = [...Buffer.from(value)]
    return [...control(types.string, bytes.length), ...bytes]
  }
  if (typeof value === 'number') {
    const bytes: number[] = []
    for (let rest = value; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256)
    return [...control(integer, bytes.length), ...bytes]
  }
  if (Array.isArray(value))
    return [...control(types.array, value.length), ...value.flatMap((each) => encode(each as Value))]
  const entries = Object.entries(value)
  const uint16 = ['node_count', 'build_epoch'] // the others of the metadata are small
  return [
    ...control(types.map, entries.length),
    ...entries.flatMap(([name, each]) => [
      ...encode(name),
      ...encode(each, uint16.includes(name) ? types.uint32 : types.uint16),
    ]),
  ]
}

type Node = [left: Node | number | undefined, right: Node | number | undefined]

const bitsOf = (address: string): number[] =>
  address.split('.').flatMap((part) => [...Number(part).toString(2).padStart(8, '0')].map(Number))

/** `networks` as `203.0.113.0/24` to their records. */
export function mmdb(networks: Readonly<Record<string, { readonly [name: string]: Value }>>): Buffer {
  const data: number[] = []
  const root: Node = [undefined, undefined]
  for (const [network, record] of Object.entries(networks)) {
    const [address = '', length = '32'] = network.split('/')
    const bits = bitsOf(address).slice(0, Number(length))
    let node = root
    for (const bit of bits.slice(0, -1)) node = (node[bit] ??= [undefined, undefined]) as Node
    node[bits.at(-1)!] = data.length
    data.push(...encode(record))
  }
  const nodes: Node[] = []
  const number = (node: Node): void => {
    nodes.push(node)
    for (const each of node) if (Array.isArray(each)) number(each)
  }
  number(root)
  /** 24 bits: a node, nothing, or a place in the data behind the 16 bytes that part them. */
  const pointer = (to: Node[number]): number[] => {
    const at =
      to === undefined ? nodes.length : Array.isArray(to) ? nodes.indexOf(to) : nodes.length + 16 + to
    return [(at >> 16) & 255, (at >> 8) & 255, at & 255]
  }
  const metadata = encode({
    node_count: nodes.length,
    record_size: 24,
    ip_version: 4,
    database_type: 'GeoLite2-City',
    languages: ['en'],
    binary_format_major_version: 2,
    binary_format_minor_version: 0,
    build_epoch: 1_700_000_000,
    description: { en: 'made for a test' },
  })
  return Buffer.concat([
    Buffer.from(nodes.flatMap((node) => node.flatMap(pointer))),
    Buffer.alloc(16),
    Buffer.from(data),
    Buffer.from([0xab, 0xcd, 0xef]),
    Buffer.from('MaxMind.com'),
    Buffer.from(metadata),
  ])
}
