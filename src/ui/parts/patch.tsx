import { Button } from '@mantine/core'
import { type ReactNode, useState } from 'react'
import { t } from '../texts/index.ts'
import { Plain } from './plain.tsx'

/** More is shown on demand. */
const SHOWN = 500

const LINE_END = '\n'
const KINDS: Record<string, string> = { '+': 'added', '-': 'removed', '@': 'place' }

/** Lines that differ, as `diff -u` writes them: the sign at the beginning says it, and the colour again. */
export function Patch({ text, label }: { text: string; label: string }): ReactNode {
  const [all, setAll] = useState(false)
  const lines = text.split('\n')
  const shown = all ? lines : lines.slice(0, SHOWN)
  return (
    <>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard (WCAG 2.1.1). */}
      <section aria-label={label} tabIndex={0} className="json-scroll patch">
        <pre>
          {shown.map((line, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: lines of one text have no other identity.
            <span key={index} className={KINDS[line[0] ?? '']}>
              <Plain>{line}</Plain>
              {LINE_END}
            </span>
          ))}
        </pre>
      </section>
      {shown.length < lines.length && (
        <Button size="compact-xs" variant="default" onClick={() => setAll(true)}>
          {t('parts.showAllLines', { count: lines.length })}
        </Button>
      )}
    </>
  )
}
