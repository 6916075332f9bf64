/** The lessons of the lab and the chapters of the course are the same. docs/classrooms.md */
import { expect, test } from 'bun:test'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { lessons } from '../../src/flow/lessons/lessons.ts'
import type { Values } from '../../src/flow/lessons/lesson.ts'

const chapters = readdirSync(join(import.meta.dir, '../../docs/course'))
  .filter((name) => name.endsWith('.md') && name !== 'README.md')
  .map((name) => name.replace('.md', ''))

test('each lesson has its chapter of the course, and each chapter its lesson', () => {
  expect(chapters.toSorted()).toEqual(lessons.map(({ id }) => id).toSorted())
})

const values: Values = {
  issuer: 'https://issuer.example/realms/own',
  client_id: 'the-client',
  client_secret: 'the-secret',
  public_client_id: 'the-public-client',
  device_client_id: 'the-device',
  redirect_uri: 'https://client.example/cb',
  username: 'the-person',
  password: 'the-password',
}

test('names are unique, and commands have the values of the provider of the student alone', () => {
  expect(new Set(lessons.map(({ id }) => id)).size).toBe(lessons.length)
  for (const { id, steps } of lessons) {
    expect(new Set(steps.map((step) => step.id)).size, id).toBe(steps.length)
    const text = JSON.stringify(steps.map((step) => step.todo(values)))
    expect(text, id).toContain(values.issuer)
    expect(text, id).not.toMatch(/localhost|client123|secret456|alice/)
  }
})

test('a shell reads each command', () => {
  for (const { id, steps } of lessons)
    for (const step of steps)
      for (const part of step.todo(values))
        if ('command' in part) {
          const { exitCode, stderr } = Bun.spawnSync(['bash', '-n', '-c', part.command])
          expect([id, step.id, exitCode, stderr.toString()]).toEqual([id, step.id, 0, ''])
        }
})
