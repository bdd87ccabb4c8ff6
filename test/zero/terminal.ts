import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { isShown, type Step } from './document.ts'

export type Printed = { output: string; failed: string; errors: string }

/** One shell that a person sits at: variables, functions and programs in the background stay from one command to the next. */
export class Terminal {
  readonly #shell: ChildProcessWithoutNullStreams
  readonly #scripts: string
  #output = ''
  #errors = ''
  #wake: () => void = () => undefined

  constructor(folder: string, scripts: string, env: NodeJS.ProcessEnv) {
    this.#scripts = scripts
    // A group of its own, so that all that was started here can be ended, and nothing else.
    this.#shell = spawn('bash', ['--noprofile', '--norc'], { cwd: folder, env, detached: true, stdio: 'pipe' })
    this.#shell.stdout.on('data', (chunk: Buffer) => {
      this.#output += chunk
      this.#wake()
    })
    this.#shell.once('exit', () => this.#wake())
    this.#shell.stderr.on('data', (chunk: Buffer) => (this.#errors += chunk))
    this.#shell.stdin.write(`set -o pipefail; trap 'failed="$BASH_COMMAND"' ERR\n`)
  }

  /** Runs a block of commands to its end. `failed` is the last command in it that failed, or empty. */
  async run(script: string): Promise<Printed> {
    const end = randomUUID()
    const file = join(this.#scripts, 'block')
    await writeFile(file, script)
    this.#output = ''
    this.#errors = ''
    this.#shell.stdin.write(`failed=; . '${file}' < /dev/null; printf '\\n%s %s\\n' ${end} "$failed"\n`)
    const closing = new RegExp(`\\n${end} ([^]*)\\n$`)
    for (;;) {
      const match = closing.exec(this.#output)
      if (match) return { output: this.#output.slice(0, match.index), failed: match[1]!, errors: this.#errors }
      if (this.#shell.exitCode !== null) throw new Error(`the shell ended:\n${this.#output}${this.#errors}`)
      await new Promise<void>((wake) => {
        this.#wake = wake
      })
    }
  }

  /** Runs a block of a page; one that the page looks at again and again is repeated until it prints what the page shows. */
  async carryOut({ script, again, shows }: Step & { kind: 'run' }, patienceMs: number): Promise<void> {
    const end = performance.now() + patienceMs
    for (;;) {
      const { output, failed, errors } = await this.run(script)
      if (!failed && (shows === undefined || isShown(shows, output))) return
      if (!again || performance.now() > end)
        throw new Error(
          `${script}\nfailed: ${failed || 'nothing'}\nprinted:\n${output}\nshould be:\n${shows}\n${errors}`,
        )
      await sleep(500)
    }
  }

  /** Ends the shell and whatever it started. */
  async close(): Promise<void> {
    if (this.#shell.exitCode !== null || this.#shell.signalCode !== null) return
    const gone = once(this.#shell, 'exit')
    process.kill(-this.#shell.pid!, 'SIGKILL')
    await gone
  }
}
