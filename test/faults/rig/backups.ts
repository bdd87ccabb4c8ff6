import { spawnSync } from 'node:child_process'
import { chmod, mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { type Section, sectionsOf } from '../../zero/document.ts'
import { Terminal } from '../../zero/terminal.ts'
import { patient } from './waiting.ts'
import type { World } from './world.ts'

const BIN = join(import.meta.dirname, '../../../bin/causeway.mjs')
const PAGE = 'operate/backup.md'

/** Why nobody can follow the page here, or undefined. */
export function toolsMissing(): string | undefined {
  const missing = ['bash', 'psql', 'tar', 'jq'].filter(
    (name) => spawnSync(name, ['--version'], { stdio: 'ignore' }).error,
  )
  return missing.length ? `${missing.join(', ')} is not on the PATH` : undefined
}

/** Somebody who keeps backups of a world's Postgres by the page about it: each section is done as its commands stand there. */
export class BackupKeeper {
  readonly #folder: string
  readonly #terminal: Terminal
  readonly #sections: Section[]

  private constructor(folder: string, terminal: Terminal) {
    this.#folder = folder
    this.#terminal = terminal
    this.#sections = sectionsOf(PAGE)
  }

  static async of({ hub, folder: ofWorld, databaseUrl, postgres }: World): Promise<BackupKeeper> {
    // Outside the folder of the world, which only we may enter: the server writes here, and runs under another account as root.
    const folder = await mkdtemp(join(tmpdir(), 'causeway-backups-'))
    await chmod(folder, 0o755)
    await symlink(BIN, join(folder, 'causeway'))
    const { hostname, port, username, password } = new URL(databaseUrl)
    const env = hub.environmentOf('serve')
    const terminal = new Terminal(join(ofWorld, 'hub'), ofWorld, {
      ...env,
      PATH: `${folder}:${dirname(process.execPath)}:${env.PATH}`,
      PGHOST: hostname,
      PGPORT: port,
      PGUSER: username,
      PGPASSWORD: password,
      PGDATA: postgres.data,
      BACKUP: folder,
    })
    return new BackupKeeper(folder, terminal)
  }

  /** Carries out a section of the page. */
  async does(title: string): Promise<void> {
    const section = this.#sections.find((one) => one.title === title)
    const steps = section?.steps.filter((step) => step.kind === 'run') ?? []
    if (!steps.length) throw new Error(`${PAGE} has no commands under "${title}"`)
    for (const step of steps) await this.#terminal.carryOut(step, patient(120_000))
  }

  async close(): Promise<void> {
    await this.#terminal.close()
    await rm(this.#folder, { recursive: true, force: true })
  }
}
