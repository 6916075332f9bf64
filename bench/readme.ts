/** Puts a run into README.md, between its marks: `bun bench/readme.ts RUN.json`. */
import { join } from 'node:path'
import { report, type Run } from './report.ts'
import { rows } from './rows.ts'

const readme = join(import.meta.dir, 'README.md')
const marks = { begin: '<!-- run: written by bench/readme.ts -->', end: '<!-- end of run -->' }

const [, , path] = Bun.argv
if (path === undefined) throw new Error('bun bench/readme.ts RUN.json')
const run = (await Bun.file(path).json()) as Run
if (run.noisy) throw new Error('a run with --noisy is no result')
const whole = await Bun.file(readme).text()
const [begin, end] = [whole.indexOf(marks.begin), whole.indexOf(marks.end)]
if (begin < 0 || end < begin) throw new Error(`README.md has lost its marks: ${marks.begin} … ${marks.end}`)
const measured = rows.filter(({ name }) => run.results[`latchkey ${name}`])
const section = `${marks.begin}\n\n${report(measured, run)}\n\n`
await Bun.write(readme, whole.slice(0, begin) + section + whole.slice(end))
