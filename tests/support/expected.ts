/** What a document says comes back, against what came: literal where it is written out, `…` for the rest. */
import type { Block } from './document.ts'

/** Empty when they agree. `json` blocks compare the last JSON of the output, others line by line. */
export function differences(stdout: string, block: Block): string[] {
  if (block.language !== 'json') return lineDifferences(stdout, block.text)
  const came = lastJson(stdout)
  if (came === undefined) return ['there is no JSON in it']
  return jsonDifferences(came, JSON.parse(block.text) as unknown, '$')
}

/** The JSON value that the output ends with. */
function lastJson(text: string): unknown {
  const lines = text.trim().split('\n')
  for (let from = lines.length - 1; from >= 0; from--)
    try {
      const value: unknown = JSON.parse(lines.slice(from).join('\n'))
      if (typeof value === 'object') return value
    } catch {
      continue
    }
  return undefined
}

const quote = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')

/** `…` stands for anything but a line break. */
const fits = (came: string, written: string): boolean =>
  new RegExp(`^${written.split('…').map(quote).join('.*')}$`).test(came)

/** Lines in order; a line of `…` alone stands for any number of lines. */
function lineDifferences(came: string, written: string): string[] {
  const pattern = written
    .trim()
    .split('\n')
    .map((line) =>
      line.trim() === '…' ? '(?:.*\\n)*' : `${line.trimEnd().split('…').map(quote).join('.*')}\\n`,
    )
  const text = came
    .replaceAll('\r', '')
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n')
    .trim()
  return new RegExp(`^${pattern.join('')}$`).test(`${text}\n`) ? [] : [`expected:\n${written}`]
}

/** Times differ between runs: any number above this is taken for one. Seconds. */
const aTime = 1_000_000_000

function jsonDifferences(came: unknown, written: unknown, path: string): string[] {
  if (typeof written === 'string')
    return typeof came === 'string' && fits(came, written) ? [] : [`${path}: ${JSON.stringify(came)}`]
  if (typeof written === 'number' && written > aTime)
    return typeof came === 'number' && came > aTime ? [] : [`${path}: ${JSON.stringify(came)} is no time`]
  if (Array.isArray(written)) {
    if (!Array.isArray(came)) return [`${path}: expected an array`]
    const open = written.at(-1) === '…'
    const items = open ? written.slice(0, -1) : written
    if (open ? came.length < items.length : came.length !== items.length)
      return [`${path}: has ${came.length} items`]
    return items.flatMap((item, i) => jsonDifferences(came[i], item, `${path}[${i}]`))
  }
  if (typeof written === 'object' && written !== null) {
    if (typeof came !== 'object' || came === null || Array.isArray(came))
      return [`${path}: expected an object`]
    const { '…': more, ...members } = written as Record<string, unknown>
    const extra = Object.keys(came).filter((name) => !Object.hasOwn(members, name))
    return [
      ...(more === undefined ? extra.map((name) => `${path}.${name} is not written`) : []),
      ...Object.entries(members).flatMap(([name, value]) =>
        Object.hasOwn(came, name)
          ? jsonDifferences((came as Record<string, unknown>)[name], value, `${path}.${name}`)
          : [`${path}.${name} did not come`],
      ),
    ]
  }
  return Object.is(came, written) ? [] : [`${path}: ${JSON.stringify(came)}`]
}
