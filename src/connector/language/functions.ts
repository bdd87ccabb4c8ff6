/**
 * Functions of JSONata that it implements asynchronously because they also take regular expressions. Manifests run
 * synchronously, so these take texts only; with texts they do exactly the same (a test holds both against each other).
 */
import type { HostFunction } from '../../expression/index.ts'

const upTo = (limit: number | undefined): number =>
  limit === undefined ? Number.POSITIVE_INFINITY : Math.max(0, Math.floor(limit))

export const textFunctions: Readonly<Record<string, HostFunction>> = {
  contains: {
    signature: '<s-s:b>',
    implementation: (text?: string, part = '') => text?.includes(part),
  },
  split: {
    signature: '<s-sn?:a<s>>',
    implementation: (text: string | undefined, separator: string, limit?: number) =>
      text?.split(separator).slice(0, upTo(limit)),
  },
  replace: {
    signature: '<s-ssn?:s>',
    implementation: (text: string | undefined, pattern: string, replacement: string, limit?: number) => {
      if (text === undefined) return undefined
      if (pattern === '') throw { code: 'D3010', message: 'the pattern of $replace is empty' }
      const pieces = text.split(pattern)
      const replaced = Math.min(upTo(limit), pieces.length - 1)
      return (
        pieces.slice(0, replaced + 1).join(replacement) +
        pieces
          .slice(replaced + 1)
          .map((rest) => pattern + rest)
          .join('')
      )
    },
  },
}
