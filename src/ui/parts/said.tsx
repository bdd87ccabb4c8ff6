import type { ReactNode } from 'react'
import { sentence } from '../texts/index.ts'
import { Plain } from './plain.tsx'

/** What the hub says, in the language of the page; names between backticks are what one types. */
export function Said({ children }: { children: string }): ReactNode {
  return sentence(children)
    .split('`')
    .map((piece, index) =>
      index % 2 === 0 ? (
        // biome-ignore lint/suspicious/noArrayIndexKey: the pieces of one sentence have no other identity.
        <Plain key={index}>{piece}</Plain>
      ) : (
        // biome-ignore lint/suspicious/noArrayIndexKey: see above.
        <code key={index}>{piece}</code>
      ),
    )
}
