/** Reads a configuration file, YAML or JSON, as values that know their line and column. https://yaml.org/spec/1.2.2/ */
import { readFileSync, statSync } from 'node:fs'
import { isAlias, isMap, isScalar, isSeq, LineCounter, type Node as YamlNode, parseDocument } from 'yaml'
import { causeOf } from '../../config/named_files.ts'
import { nearest } from '../../lib/nearest.ts'
import { Refusal } from '../failure.ts'
import { printable } from '../output.ts'

export interface Place {
  line: number
  column: number
}

/** A value of the file. `members` of a mapping, `items` of a sequence; `value` is the whole as JSON. */
export interface Found {
  value: unknown
  place: Place
  members?: ReadonlyMap<string, Found & { named: Place }>
  items?: readonly Found[]
}

const mostBytes = 2_097_152
/** Values after aliases are followed, so that a small file cannot stand for a large one. */
const mostValues = 200_000
const deepest = 40
/** A file with more faults than these is mended in several turns. */
const mostProblems = 20

/** Collects faults, so that one run names all of them. */
export class Problems {
  readonly file: string
  readonly lines: string[] = []

  constructor(file: string) {
    this.file = file
  }

  /** `next` says what to do. No value of a secret is in either. */
  add({ line, column }: Place, member: string, problem: string, next?: string): void {
    const where = `${printable(this.file)}:${line}:${column}`
    this.lines.push(
      `${where}: ${member === '' ? '' : `${printable(member)}: `}${problem}${next ? `; ${next}` : ''}`,
    )
  }

  /** Throws Refusal when there is one. */
  requireNone(): void {
    const { lines } = this
    if (lines.length === 0) return
    const shown = lines.slice(0, mostProblems)
    const more = lines.length - shown.length
    const count = lines.length === 1 ? 'a fault' : `${lines.length} faults`
    throw new Refusal(
      [
        `${printable(this.file)} has ${count}; nothing was changed`,
        ...shown,
        ...(more > 0 ? [`and ${more} more`] : []),
      ].join('\n'),
    )
  }
}

/** The text of a file of the operator. Throws Refusal that names it. */
export function readBounded(path: string): string {
  try {
    const found = statSync(path)
    if (!found.isFile()) throw new Error(found.isDirectory() ? 'it is a folder' : 'it is no regular file')
    if (found.size > mostBytes) throw new Error(`it is larger than ${mostBytes / 1_048_576} MiB`)
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new Refusal(
      `expected a configuration file, got ${printable(path)} (${causeOf(error)}). latchkey export-config writes one from the present state`,
    )
  }
}

const kindOf = (value: unknown): string => {
  if (value === null) return 'nothing'
  if (Array.isArray(value)) return 'a list'
  return typeof value === 'object'
    ? 'a mapping'
    : `the ${typeof value} ${printable(String(value)).slice(0, 80)}`
}

/** What came, for a fault. A text is not quoted: it may be a secret in the wrong place. */
export const cameOf = ({ value }: Found): string => (typeof value === 'string' ? 'a text' : kindOf(value))

/** Throws Refusal with each fault of the syntax. */
export function readSource(text: string, file: string): Found {
  const problems = new Problems(file)
  const counter = new LineCounter()
  const placeOf = (offset: number): Place => {
    const { line, col } = counter.linePos(offset)
    return { line: Math.max(1, line), column: Math.max(1, col) }
  }
  // Without `prettyErrors` and `uniqueKeys`, which take time by the square of the length.
  const document = parseDocument(text, {
    lineCounter: counter,
    prettyErrors: false,
    uniqueKeys: false,
    version: '1.2',
    schema: 'core',
    logLevel: 'error', // silent would take the first of several documents
  })
  for (const { pos, message } of [...document.errors, ...document.warnings].slice(0, mostProblems))
    // The message of a tag or an escape may quote the text.
    problems.add(placeOf(pos[0]), '', `expected YAML 1.2 or JSON: ${plain(message)}`)
  problems.requireNone()

  let left = mostValues
  const anchors = new Map<string, YamlNode>()
  const read = (node: YamlNode | null | undefined, depth: number, at: number): Found => {
    if (node && 'anchor' in node && node.anchor !== undefined) anchors.set(node.anchor, node)
    const place = placeOf(node?.range?.[0] ?? at)
    const stop = (problem: string): never => {
      problems.add(place, '', problem)
      problems.requireNone()
      throw new Error('unreachable')
    }
    if (--left < 0) return stop(`expected at most ${mostValues} values, those of aliases included`)
    if (depth > deepest) return stop(`expected at most ${deepest} levels`)
    if (isAlias(node)) {
      // Not `node.resolve`, which reads the whole document for each alias.
      const target = anchors.get(node.source)
      return target ? { ...read(target, depth + 1, at), place } : stop('the alias has no anchor before it')
    }
    if (isSeq(node)) {
      const items = node.items.map((each) => read(each as YamlNode, depth + 1, node.range?.[0] ?? at))
      return { value: items.map(({ value }) => value), place, items }
    }
    if (isMap(node)) return readMap()
    const value = isScalar(node) ? node.value : null
    if (typeof value === 'number' && !Number.isFinite(value)) return stop('expected a finite number')
    return { value: typeof value === 'bigint' ? Number(value) : (value ?? null), place }

    function readMap(): Found {
      const members = new Map<string, Found & { named: Place }>()
      for (const { key, value } of (node as { items: { key: unknown; value: unknown }[] }).items) {
        const named = placeOf((key as YamlNode | null)?.range?.[0] ?? at)
        if (!isScalar(key) || key.value === null || typeof key.value === 'object')
          return stop('expected a name before the colon')
        const name = String(key.value)
        if (members.has(name)) problems.add(named, name, 'came twice', 'leave one of the two out')
        const found = read(value as YamlNode | null, depth + 1, key.range?.[0] ?? at)
        members.set(name, { ...found, named })
      }
      const value = Object.fromEntries([...members].map(([name, each]) => [name, each.value]))
      return { value, place, members }
    }
  }
  const found = read(document.contents, 0, 0)
  problems.requireNone()
  return found
}

/** One line without what the message quotes. */
const plain = (message: string): string =>
  printable(message.replace(/\s*\n[\s\S]*$/, '').replace(/(?:["'`]|\\).*$/s, '…')).slice(0, 200)

/** The members of a mapping. Adds a fault for anything else, and for a member that is none of `known`, with the nearest. */
export function membersOf(
  found: Found,
  known: readonly string[] | undefined,
  problems: Problems,
  path: string,
): ReadonlyMap<string, Found & { named: Place }> {
  const { members } = found
  if (!members) {
    problems.add(found.place, path, `expected a mapping, got ${cameOf(found)}`)
    return new Map()
  }
  if (known)
    for (const [name, { named }] of members) {
      if (known.includes(name)) continue
      const near = problems.lines.length < mostProblems ? nearest(name.slice(0, 100), known) : []
      const next = near.length > 0 ? `the nearest is ${near.slice(0, 3).join(' or ')}` : undefined
      problems.add(named, `${path}${path && '.'}${name.slice(0, 100)}`, 'there is no such member', next)
    }
  return members
}
