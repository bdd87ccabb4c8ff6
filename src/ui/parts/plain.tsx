import type { ReactNode } from 'react'

/**
 * Characters that draw nothing or turn the direction of what follows: a name may be made to look like another one with them.
 * Line feed and tab are left alone; they only make white space.
 */
const UNSEEN =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this looks for.
  /([\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff])/

const nameOf = (character: string): string => `U+${character.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}`

/** Foreign text as it is: no markup, its direction kept to itself, unseen characters made visible. */
export function Plain({ children, className }: { children: string; className?: string }): ReactNode {
  const pieces = children.split(UNSEEN)
  return (
    <bdi className={className}>
      {pieces.length === 1
        ? children
        : pieces.map((piece, index) =>
            index % 2 === 0 ? (
              piece
            ) : (
              // biome-ignore lint/suspicious/noArrayIndexKey: the pieces of one text have no other identity.
              <span key={index} className="unseen">
                {nameOf(piece)}
              </span>
            ),
          )}
    </bdi>
  )
}
