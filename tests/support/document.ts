/** A document of ours as a reader uses it: every shell block is run in order in one shell, every answer compared. */
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { differences } from './expected.ts'
import { type Person, person } from './person.ts'

export const root = join(import.meta.dir, '../..')

/** The address that documents are written for; the runner puts its own server's in its place. */
const writtenFor = 'http://localhost:5000'

export interface Block {
  language: string
  /** What follows the language: `person`, or `not-run: why`. */
  note: string
  text: string
  line: number
}

/** Fenced blocks in order. Throws when one is left open. */
export function blocksOf(markdown: string): Block[] {
  const blocks: Block[] = []
  let open: (Block & { fence: string }) | undefined
  markdown.split('\n').forEach((line, i) => {
    const fence = /^\s*(`{3,})(\S*)\s*(.*)$/.exec(line)
    if (open && fence?.[1] === open.fence && fence[2] === '') {
      const { fence: _, ...block } = open
      blocks.push(block)
      open = undefined
    } else if (open) open.text += `${line}\n`
    else if (fence) open = { fence: fence[1]!, language: fence[2]!, note: fence[3]!, text: '', line: i + 1 }
  })
  if (open) throw new Error(`the block that begins in line ${open.line} does not end`)
  return blocks
}

export const withoutBlocks = (markdown: string): string => markdown.replace(/^```[\s\S]*?^```$/gm, '')

/** As GitHub makes anchors of headings. */
export const anchorsOf = (markdown: string): string[] =>
  [...withoutBlocks(markdown).matchAll(/^#+ (.+)$/gm)].map(([, heading]) =>
    heading!
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  )

/** `sh not-run: why` is for the reader alone, and says why. */
export const reasonNotToRun = (block: Block): string | undefined =>
  /^not-run: (.{10,})$/.exec(block.note)?.[1]

export const isShell = ({ language }: Block): boolean =>
  ['sh', 'bash', 'shell', 'zsh', 'console'].includes(language)

export interface Run {
  block: Block
  stdout: string
}

/** A folder like a fresh clone, but nothing that is written there touches this one. */
function clone(): string {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-document-'))
  const own = new Set(['keys', 'tmp', 'dist', '.git', '.env'])
  for (const name of readdirSync(root)) if (!own.has(name)) symlinkSync(join(root, name), join(folder, name))
  mkdirSync(join(folder, 'keys'))
  return folder
}

export interface Reader {
  /** Where the server keeps its keys and the blocks write files. */
  folder: string
  /** Runs all blocks; throws, with line and output, at the first that fails or answers something else. */
  read(markdown: string, issuer: string): Promise<Run[]>
  remove(): void
}

export function reader(): Reader {
  const folder = clone()
  return {
    folder,
    read: (markdown, issuer) => read(markdown.replaceAll(writtenFor, issuer), issuer, folder),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}

async function read(markdown: string, issuer: string, folder: string): Promise<Run[]> {
  const shell = startShell(folder)
  const visitor = person(issuer, fetch)
  const runs: Run[] = []
  let last: Run | undefined
  try {
    for (const block of blocksOf(markdown)) {
      if (isShell(block)) {
        last = reasonNotToRun(block) === undefined ? await runOne(shell, block, visitor) : undefined
        if (last) runs.push(last)
      } else if (block.language === 'json' || block.note === 'output') {
        if (!last) throw new Error(`line ${block.line}: an answer without a block that was run before it`)
        const found = differences(last.stdout, block)
        if (found.length > 0)
          throw new Error(
            `line ${block.line}: another answer than written:\n${found.join('\n')}\n\nIt was:\n${last.stdout}`,
          )
      } else last = undefined
    }
  } finally {
    shell.stop()
  }
  return runs
}

type Shell = ReturnType<typeof startShell>

function startShell(folder: string) {
  const scratch = mkdtempSync(join(tmpdir(), 'latchkey-shell-'))
  const child = Bun.spawn(['bash', '-euo', 'pipefail'], {
    cwd: folder,
    env: { PATH: process.env.PATH, HOME: scratch, TERM: 'dumb', LANG: 'C.UTF-8' },
    stdin: 'pipe',
    stdout: 'ignore',
    stderr: 'pipe',
  })
  let count = 0
  return {
    /** The block's own file is sourced, so that `read` in it takes the next line of what is typed. */
    begin(text: string) {
      const name = join(scratch, `${count++}`)
      writeFileSync(`${name}.sh`, text)
      appendFileSync(`${name}.out`, '')
      void child.stdin.write(`. ${name}.sh >${name}.out 2>${name}.err; touch ${name}.done\n`)
      void child.stdin.flush()
      const written = (suffix: string) =>
        Bun.file(`${name}.${suffix}`)
          .text()
          .catch(() => '')
      return {
        stdout: () => written('out'),
        stderr: () => written('err'),
        done: () => Bun.file(`${name}.done`).exists(),
      }
    },
    type(line: string) {
      void child.stdin.write(`${line}\n`)
      void child.stdin.flush()
    },
    ended: () => child.exitCode !== null,
    stop() {
      child.kill()
      rmSync(scratch, { recursive: true, force: true })
    },
  }
}

const patience = 120_000

async function runOne(shell: Shell, block: Block, visitor: Person): Promise<Run> {
  const running = shell.begin(block.text)
  const until = Date.now() + patience
  let asked = block.note !== 'person'
  for (;;) {
    if (!asked) {
      const url = /https?:\/\/\S+/.exec(await running.stdout())?.[0]
      if (url) {
        asked = true
        shell.type((await visitor.goThrough(url)).href)
      }
    }
    if (await running.done()) return { block, stdout: await running.stdout() }
    if (shell.ended() || Date.now() > until)
      throw new Error(
        `line ${block.line}: ${shell.ended() ? 'failed' : 'took too long'}\n${block.text}\n${await running.stdout()}\n${await running.stderr()}`,
      )
    await Bun.sleep(10)
  }
}

export const document = (path: string): string => readFileSync(join(root, path), 'utf8')
