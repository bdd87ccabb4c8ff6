import { resolve } from 'node:path'
import { tokenFor } from '../api.ts'
import type { CliContext } from '../context.ts'
import { readProfiles } from '../profiles.ts'
import { remoteApi } from '../remote-api.ts'
import type { Place } from './names.ts'

/** Somebody waits with a finger on the key; whose hub is far away can wait longer. */
const askMs = (): number => Number(process.env.CAUSEWAY_COMPLETION_MS) || 700

/** Where names come from: what the words so far say about folder and hub counts, not what this process was started with. */
export function namesPlace(context: CliContext, words: readonly string[]): Place {
  const dir = resolve(wordAfter(words, '--dir', '-C') ?? context.dir)
  const profile = wordAfter(words, '--profile')
  const named = profile === undefined ? undefined : readProfiles().get(profile)
  const given = wordAfter(words, '--url')
  const url = given ?? named?.url ?? context.url
  if (url === undefined) return { dir, ask: null }
  // A token goes to the hub that it was remembered for, and to no other.
  const remembered = given !== undefined ? undefined : named ? named.tokenFile : context.tokenFile
  const tokenFile = wordAfter(words, '--token-file') ?? remembered
  const ask = async (path: string): Promise<unknown> => {
    const token = await tokenFor({ ...context, dir, tokenFile })
    return JSON.parse(await remoteApi(url, token, askMs()).call('GET', path)) as unknown
  }
  return { dir, ask }
}

function wordAfter(words: readonly string[], ...names: string[]): string | undefined {
  for (const [i, word] of words.slice(0, -1).entries()) {
    if (names.includes(word)) return words[i + 1]
    const [name, ...rest] = word.split('=')
    if (rest.length && names.includes(name!)) return rest.join('=')
  }
  return undefined
}
