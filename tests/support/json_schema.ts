/** As much of JSON Schema as our OpenAPI document uses; a keyword it does not know is a failure. https://json-schema.org/draft/2020-12 */

export type Schema = Readonly<Record<string, unknown>>

const annotations = new Set(['default', 'description', 'format', 'title'])

/** Problems of `value` by `schema`, as `path: problem`; `definitions` are components.schemas. */
export function problemsOf(
  value: unknown,
  schema: Schema,
  definitions: Readonly<Record<string, Schema>>,
  path = '$',
): string[] {
  const found: string[] = []
  const at = (problem: string) => found.push(`${path}: ${problem}`)
  for (const [keyword, given] of Object.entries(schema)) {
    const inner = keywords[keyword]
    if (inner) inner({ value, given, schema, definitions, path, at, found })
    else if (!annotations.has(keyword)) at(`unknown keyword ${keyword}`)
  }
  return found
}

interface Look {
  value: unknown
  given: unknown
  schema: Schema
  definitions: Readonly<Record<string, Schema>>
  path: string
  at(problem: string): void
  found: string[]
}

const typeOf = (value: unknown): string =>
  value === null
    ? 'null'
    : Array.isArray(value)
      ? 'array'
      : Number.isInteger(value)
        ? 'integer'
        : typeof value

const isObject = (value: unknown): value is Record<string, unknown> => typeOf(value) === 'object'

const keywords: Readonly<Record<string, (look: Look) => void>> = {
  $ref({ value, given, definitions, path, at, found }) {
    const name = String(given).replace('#/components/schemas/', '')
    const target = definitions[name]
    if (target) found.push(...problemsOf(value, target, definitions, path))
    else at(`${String(given)} does not resolve`)
  },
  allOf({ value, given, definitions, path, found }) {
    for (const each of given as Schema[]) found.push(...problemsOf(value, each, definitions, path))
  },
  anyOf({ value, given, definitions, path, at }) {
    const options = (given as Schema[]).map((each) => problemsOf(value, each, definitions, path))
    if (options.every((problems) => problems.length > 0)) at(`fits no option: ${options.flat().join('; ')}`)
  },
  minLength({ value, given, at }) {
    if (typeof value === 'string' && value.length < Number(given)) at(`has less than ${given} characters`)
  },
  maxLength({ value, given, at }) {
    if (typeof value === 'string' && value.length > Number(given)) at(`has more than ${given} characters`)
  },
  pattern({ value, given, at }) {
    if (typeof value === 'string' && !new RegExp(String(given)).test(value)) at(`does not match ${given}`)
  },
  minItems({ value, given, at }) {
    if (Array.isArray(value) && value.length < Number(given)) at(`has less than ${given} items`)
  },
  maxItems({ value, given, at }) {
    if (Array.isArray(value) && value.length > Number(given)) at(`has more than ${given} items`)
  },
  minimum({ value, given, at }) {
    if (typeof value === 'number' && value < Number(given)) at(`is less than ${given}`)
  },
  type({ value, given, at }) {
    const types = [given].flat() as string[]
    const came = typeOf(value)
    if (!types.includes(came) && !(came === 'integer' && types.includes('number')))
      at(`expected ${types.join(' or ')}, got ${came}`)
  },
  enum({ value, given, at }) {
    if (!(given as unknown[]).includes(value)) at(`expected one of ${JSON.stringify(given)}`)
  },
  const({ value, given, at }) {
    if (value !== given) at(`expected ${JSON.stringify(given)}`)
  },
  required({ value, given, at }) {
    for (const name of given as string[])
      if (isObject(value) && !Object.hasOwn(value, name)) at(`lacks ${name}`)
  },
  properties({ value, given, definitions, path, found }) {
    if (!isObject(value)) return
    for (const [name, schema] of Object.entries(given as Record<string, Schema>))
      if (Object.hasOwn(value, name))
        found.push(...problemsOf(value[name], schema, definitions, `${path}.${name}`))
  },
  items({ value, given, definitions, path, found }) {
    if (!Array.isArray(value)) return
    value.forEach((item, i) => found.push(...problemsOf(item, given as Schema, definitions, `${path}[${i}]`)))
  },
}
