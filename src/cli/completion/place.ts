import { resolve } from 'node:path'
import { remoteApi, tokenFor } from '../api.ts'
import type { CliContext } from '../context.ts'
import { readProfiles } from '../profiles.ts'
import type { Place } from './names.ts'

/** Somebody waits with a finger on the key. */
const ASK_MS = 700

/** Where names come from: what the words so far say about folder and hub counts, not what this process was started with. */
export function namesPlace(context: CliContext, words: readonly string[]): Place {
  const dir = resolve(wordAfter(words, '--dir', '-C') ?? context.dir)
  const profile = wordAfter(words, '--profile')
  const named = profile === undefined ? undefined : readProfiles().get(profile)
  const url = wordAfter(words, '--url') ?? named?.url ?? context.url
  if (url === undefined) return { dir, ask: null }
  const tokenFile = wordAfter(words, '--token-file') ?? named?.tokenFile ?? context.tokenFile
  const ask = async (path: string): Promise<unknown> => {
    const token = await tokenFor({ ...context, dir, tokenFile })
    return JSON.parse(await remoteApi(url, token, ASK_MS).call('GET', path)) as unknown
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
