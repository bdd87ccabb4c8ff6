import type { ReactNode } from 'react'
import type { Trial } from '../../api/types.ts'
import { Mark } from '../../parts/mark.tsx'
import { Plain } from '../../parts/plain.tsx'
import { sentence, t } from '../../texts/index.ts'

/** All that is wrong with the text, with its place; the editor marks the same at the lines. */
export function Findings({ findings }: { findings: Trial['findings'] }): ReactNode {
  return (
    <div aria-live="polite" className="findings">
      {findings.length === 0 ? (
        <Mark tone="ok">{t('playground.nothingIsWrongWithThe')}</Mark>
      ) : (
        <ul aria-label={t('playground.findings')}>
          {findings.map(({ severity, code, message, fix, place }) => (
            <li key={`${code} ${place.line} ${place.column} ${message}`}>
              <Mark tone={severity === 'error' ? 'bad' : 'warn'}>
                {t('playground.line2', {
                  value: place.line ?? '–',
                  value2: place.column !== undefined && `:${place.column}`,
                })}
              </Mark>{' '}
              <code>{code}</code> <Plain>{message}</Plain>
              <p className="dim">
                <Plain>{sentence(fix)}</Plain>
              </p>
            </li>
          ))}
        </ul>
      )}
    </div>
  )
}
