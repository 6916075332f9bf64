/** A classroom of simulated students against a real process: `bun bench/classroom.ts 200`. Prints the figures of docs/classrooms.md. */
import { runClass } from '../tests/support/class_of.ts'

const students = Number(process.argv[2] ?? 200)
const { figures, rows } = await runClass(students)
const megabytes = (bytes: number): string => `${Math.round(bytes / 1_048_576)} MB`
const { joining, lesson, board, csv, memory, processor } = figures
const count = (state: string) => rows.filter((row) => row.state === state).length
console.log(`${students} students: ${count('done')} done, ${count('stuck')} stuck`)
console.log(`joining  ${(joining / 1000).toFixed(1)} s for all at once`)
console.log(`lesson   ${(lesson / 1000).toFixed(1)} s for all at once`)
console.log(`board    ${board} ms, CSV ${csv} ms`)
console.log(
  `memory   ${megabytes(memory.empty)} empty, ${megabytes(memory.joined)} joined, ${megabytes(memory.done)} done`,
)
console.log(`processor ${(processor / 1000).toFixed(1)} s of the server`)
