/** A network namespace of its own for each sandbox process, where the system gives one: nothing can be dialled from there. */
import { existsSync } from 'node:fs'

/** How sandbox processes are kept from the network. */
export type Isolation = { network: 'namespace'; unshare: string } | { network: 'shared'; reason: string }

let isolation: Isolation | undefined
/** An isolated process became ready once, so the system gives namespaces. */
let isProven = false

/**
 * What holds for processes started from now on. It is sure once one has started: whether the kernel allows it shows then.
 * Looked up when it is asked for, because the processes themselves load this file and may not look.
 */
export function isolationNow(): Isolation {
  isolation ??= possible()
  return isolation
}

function possible(): Isolation {
  if (process.platform !== 'linux') return { network: 'shared', reason: `on ${process.platform}` }
  // Places fixed by the system: a PATH could name another program.
  const unshare = ['/usr/bin/unshare', '/bin/unshare'].find((path) => existsSync(path))
  return unshare ? { network: 'namespace', unshare } : { network: 'shared', reason: 'there is no unshare(1)' }
}

/**
 * The command that starts a program without a network. A new user namespace gives the right to leave the network and is left with
 * no user mapped and no capability; unshare becomes the program, so that its process id, pipes and signals are the program's own.
 */
export function isolated(program: string, args: string[]): { file: string; args: string[] } {
  const now = isolationNow()
  return now.network === 'namespace'
    ? { file: now.unshare, args: ['--user', '--net', '--', program, ...args] }
    : { file: program, args }
}

/** Called when an isolated process became ready. */
export function proveIsolation(): void {
  isProven = true
}

/**
 * Called when an isolated process ended before it was ready: containers and hardened kernels refuse namespaces. Where they were
 * given before, only a refusal by unshare itself counts; false says that the process ended for a reason of its own.
 */
export function giveUpIsolation(reason: string): boolean {
  if (isProven && !/\bunshare: /.test(reason)) return false
  isolation = { network: 'shared', reason: reason.slice(0, 200).trim() }
  return true
}
