import { spawnSync } from 'node:child_process'

/** A subnet of its own, from the block for benchmarks (RFC 2544), so that it meets no network of the machine. */
const HOST = '198.18.77.1'
const BRIDGE = 'cwscale'

/** Stand-ins for machines: where the system allows it, a worker has a network of its own and reaches the rest over a bridge. */
export class Machines {
  /** Address under which all of them reach what runs here. */
  readonly host: string
  /** How the workers are apart, for the report. */
  readonly kind: string
  readonly #names: string[] = []
  readonly #apart: boolean

  private constructor(apart: boolean, why: string) {
    this.#apart = apart
    this.host = apart ? HOST : '127.0.0.1'
    this.kind = apart
      ? 'each worker in a network namespace of its own, joined by veth and a bridge (iproute2)'
      : `workers as plain processes of this machine: ${why}`
  }

  static open(): Machines {
    if (process.getuid?.() !== 0) return new Machines(false, 'network namespaces need root')
    // What a run that was killed has left.
    run('link', 'del', BRIDGE)
    const refused =
      run('link', 'add', BRIDGE, 'type', 'bridge') ??
      run('addr', 'add', `${HOST}/24`, 'dev', BRIDGE) ??
      run('link', 'set', BRIDGE, 'up')
    if (refused === undefined) {
      const machines = new Machines(true, '')
      const first = machines.#add()
      if (first === undefined) return machines
      machines.close()
      return new Machines(false, first)
    }
    run('link', 'del', BRIDGE)
    return new Machines(false, refused)
  }

  /** What goes before the command of the worker that gets the next machine. */
  inside(worker: number): string[] {
    if (!this.#apart) return []
    while (this.#names.length <= worker) {
      const refused = this.#add()
      if (refused !== undefined) throw new Error(`no network namespace for worker ${worker}: ${refused}`)
    }
    return ['ip', 'netns', 'exec', this.#names[worker]!]
  }

  close(): void {
    for (const name of this.#names.splice(0)) run('netns', 'del', name)
    if (this.#apart) run('link', 'del', BRIDGE)
  }

  /** Undefined, or why there cannot be one. */
  #add(): string | undefined {
    const n = this.#names.length
    const name = `${BRIDGE}${n}`
    const within = `${name}in`
    run('netns', 'del', name)
    const refused = run('netns', 'add', name)
    if (refused !== undefined) return refused
    this.#names.push(name)
    return (
      run('link', 'add', name, 'type', 'veth', 'peer', 'name', within, 'netns', name) ??
      run('link', 'set', name, 'master', BRIDGE, 'up') ??
      run('-n', name, 'addr', 'add', `198.18.77.${10 + n}/24`, 'dev', within) ??
      run('-n', name, 'link', 'set', within, 'up') ??
      run('-n', name, 'link', 'set', 'lo', 'up') ??
      // Where containers may make a namespace, they may still not enter it.
      run('netns', 'exec', name, 'true')
    )
  }
}

/** Undefined when it went well, else why not. */
function run(...args: string[]): string | undefined {
  const { error, status, stderr } = spawnSync('ip', args, { encoding: 'utf8' })
  if (error) return 'there is no `ip` (iproute2)'
  return status === 0 ? undefined : stderr.trim()
}
