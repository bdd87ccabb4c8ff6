import { Button } from '@mantine/core'
import { type ReactNode, useMemo, useState } from 'react'
import { indentJson, type JsonText } from '../api/json-text.ts'
import { t } from '../texts/index.ts'
import { Plain } from './plain.tsx'

/** More is shown on demand: a browser lays out a megabyte of text slowly. */
const SHOWN = 60_000

/** JSON as the hub keeps it, set on lines; every number and key spelled as it was received. */
export function JsonView({ json, label, none }: { json: JsonText | null; label: string; none: string }): ReactNode {
  const [all, setAll] = useState(false)
  const text = useMemo(() => (json === null ? '' : indentJson(json.text)), [json])
  if (json === null) return <p className="dim">{none}</p>
  const cut = !all && text.length > SHOWN
  return (
    <div className="json">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard (WCAG 2.1.1). */}
      <section aria-label={label} tabIndex={0} className="json-scroll">
        <pre>
          <Plain>{cut ? text.slice(0, SHOWN) : text}</Plain>
        </pre>
      </section>
      <div className="json-actions">
        {cut && (
          <Button size="compact-xs" variant="default" onClick={() => setAll(true)}>
            {t('parts.showAllCharacters', { count: text.length })}
          </Button>
        )}
        {/* The clipboard exists on https and on this machine only. */}
        {navigator.clipboard && (
          <Button
            size="compact-xs"
            variant="default"
            aria-label={t('parts.copyAsReceived', { label })}
            onClick={() => void navigator.clipboard.writeText(json.text)}
          >
            {t('parts.copyAsReceived2')}
          </Button>
        )}
      </div>
    </div>
  )
}
