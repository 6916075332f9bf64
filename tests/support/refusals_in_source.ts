/** The refusals that the source can make: the file, the rules that it cites, and what each demands. */
import { Glob } from 'bun'

export interface SourceRefusal {
  path: string
  /** Of the file: a refusal has one of them. */
  rules: readonly string[]
  /** The texts of one refusal: one of them is what it demands. A place of a template is `x`. */
  says: readonly string[]
}

/** Rooms whose refusals End-Users and administrators meet, and no client's author; and those that are not of a request. */
const ofOthers =
  /^(?:cli|config|openapi|kits|html|endpoints\/(?:language|operator_|client_logo|assets|metrics)|features\/(?:account|administration|applications|attributes|audit|dev_mail|email|lab|pass|profile|recovery|second_factor\/(?!policy)|sessions|upstream)|models\/managed_by|people)/

const literal = /'((?:[^'\\\n]|\\.)*)'|`((?:[^`\\]|\\.)*)`/g
const literalsIn = (text: string): string[] =>
  [...text.matchAll(literal)].map(([, plain, template]) =>
    (plain ?? template ?? '').replace(/\$\{[^}]*\}/g, 'x'),
  )

/** Functions that make a refusal of the text that they get, such as `failed('a proof of …')`. */
const makers = /\b(?:refuse|failed|invalid|badTarget|wrong|expired_token|grounds)\(\s*(?=['`])/g

/** From `at` to the parenthesis or the comma that ends the expression. */
function expressionAt(text: string, at: number): string {
  let depth = 0
  for (let end = at; end < text.length; end += 1) {
    const [letter] = text.slice(end)
    if (letter === "'" || letter === '`') {
      const [whole = letter] = new RegExp(literal.source, 'y').exec(text.slice(end)) ?? []
      end += whole.length - 1
    } else if ('([{'.includes(letter!)) depth += 1
    else if (')]}'.includes(letter!) && (depth -= 1) < 0) return text.slice(at, end)
    else if (letter === ',' && depth === 0) return text.slice(at, end)
  }
  return text.slice(at)
}

function callAt(text: string, at: number): string {
  const first = expressionAt(text, at)
  const rest = text.slice(at + first.length)
  return rest.startsWith(',') ? `${first},${expressionAt(rest, 1)}` : first
}

const isHttp = (text: string, at: number): boolean =>
  /HttpError\(\s*'\w+',\s*(?:\(\) => )?\(?\{[^{}]*$/.test(text.slice(Math.max(0, at - 200), at))

export async function refusalsInSource(root: string): Promise<SourceRefusal[]> {
  const found: SourceRefusal[] = []
  for await (const path of new Glob('**/*.ts').scan(root)) {
    if (ofOthers.test(path)) continue
    const text = await Bun.file(`${root}/${path}`).text()
    const rules = [...text.matchAll(/'([A-Za-z][\w. -]* §\d[\d.]*)'/g)].map(([, rule]) => rule!)
    if (rules.length === 0) continue
    const demands = [...text.matchAll(/\bexpected:\s*/g)].flatMap(({ 0: { length }, index }) =>
      isHttp(text, index) ? [] : [literalsIn(expressionAt(text, index + length))],
    )
    const made = [...text.matchAll(makers)].map(({ 0: { length }, index }) =>
      literalsIn(callAt(text, index + length)),
    )
    for (const says of [...demands, ...made])
      if (says.some((each) => each.replaceAll('x', '').trim() !== ''))
        found.push({ path, rules: [...new Set(rules)], says })
  }
  return found
}
