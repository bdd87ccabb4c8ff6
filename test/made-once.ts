import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { inject } from 'vitest'

declare module 'vitest' {
  interface ProvidedContext {
    /** Where the set-up of the run is asked for what is made once. */
    madeOnceSocket: string
  }
}

/** `postgres`: the URL of the run's server (database `causeway`, not migrated). `page`: the folder with the built admin page. */
export type MadeOnce = 'postgres' | 'page'

const made = new Map<MadeOnce, Promise<string>>()

/** Asks for what all files of a run share; the first one that asks makes it. */
export function madeOnce(what: MadeOnce): Promise<string> {
  const answer = made.get(what) ?? ask(what)
  made.set(what, answer)
  return answer
}

async function ask(what: MadeOnce): Promise<string> {
  const socket = connect(inject('madeOnceSocket'))
  socket.write(`${what}\n`)
  const answer = await text(socket)
  if (!answer.startsWith('ok ')) throw new Error(answer || `the set-up of the run could not make: ${what}`)
  return answer.slice(3)
}
