/** The README of an example, carried out: its first command starts it on other ports, its other blocks are run and their answers compared. */
import { blocksOf, document, isShell, reader, root, type Run } from '../support/document.ts'

interface Started {
  /** What it printed so far. */
  output(): string
  stop(): Promise<void>
}

/** `env` has the ports. Resolves once it has printed `Ready.` */
export async function startByCommand(
  command: readonly string[],
  env: Record<string, string>,
): Promise<Started> {
  const child = Bun.spawn([...command], {
    cwd: root,
    env: { PATH: process.env.PATH, ...env },
    stdout: 'pipe',
    stderr: 'pipe',
  })
  let text = ''
  const drain = async (stream: ReadableStream<Uint8Array>) => {
    for await (const chunk of stream) text += Buffer.from(chunk).toString()
  }
  void drain(child.stdout)
  void drain(child.stderr)
  const stop = async () => {
    child.kill()
    await child.exited
  }
  for (const end = Date.now() + 60_000; !text.includes('Ready.'); await Bun.sleep(20))
    if (child.exitCode !== null || Date.now() > end) {
      await stop()
      throw new Error(`${command.join(' ')} did not start:\n${text}`)
    }
  return { output: () => text, stop }
}

/**
 * `ports` has the variable, the port that the README names, and the one to use: `['PORT', 9000, freePort()]`. `variables` are
 * those of the terminal of the reader.
 */
export async function carryOut(
  name: string,
  ports: readonly (readonly [variable: string, written: number, used: number])[],
  variables: Readonly<Record<string, string>> = {},
): Promise<{ runs: Run[]; output: string }> {
  const markdown = document(`examples/${name}/README.md`)
  const [first, ...others] = blocksOf(markdown).filter(isShell)
  const command = `bun examples/${name}/start.ts`
  if (first?.text.trim() !== command)
    throw new Error(`the first command of examples/${name} is not ${command}`)
  if (others.length === 0) throw new Error(`examples/${name}/README.md has one command alone`)
  const rest = markdown
    .split('\n')
    .slice(first.line + 2)
    .join('\n')
  const moved = ports.reduce(
    (text, [, written, used]) => text.replaceAll(`localhost:${written}`, `localhost:${used}`),
    rest,
  )
  const env = Object.fromEntries(ports.map(([variable, , used]) => [variable, `${used}`]))
  const exported = Object.entries(variables).map(([name, value]) => `export ${name}='${value}'\n`)
  const before = exported.length === 0 ? '' : `\`\`\`sh\n${exported.join('')}\`\`\`\n`
  const started = await startByCommand(command.split(' '), env)
  const folder = reader()
  try {
    const provider = ports.find(([variable]) => variable === 'PROVIDER_PORT')![2]
    return {
      runs: await folder.read(before + moved, `http://localhost:${provider}`),
      output: started.output(),
    }
  } finally {
    folder.remove()
    await started.stop()
  }
}
