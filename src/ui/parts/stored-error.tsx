import type { ReactNode } from 'react'
import { type JsonText, readJson } from '../api/json-text.ts'
import type { StoredError } from '../api/types.ts'
import { sentence, t, word } from '../texts/index.ts'
import { JsonView } from './json-view.tsx'
import { Facts } from './page.tsx'
import { Plain } from './plain.tsx'
import { Said } from './said.tsx'

const placeOf = ({ place }: StoredError): string | null =>
  place ? [place.file, place.line, place.column].filter((part) => part !== undefined).join(':') : null

/** What happened, why, what to do and where, as the ledger keeps it. */
export function StoredErrorView({ error }: { error: JsonText }): ReactNode {
  const read = readError(error)
  const place = placeOf(read)
  return (
    <div className="stored-error">
      <p className="trouble-what">
        {read.code && <code>{read.code}</code>} <Plain>{wordsOf(read) ?? t('parts.noWordsWereKept')}</Plain>
      </p>
      <Facts
        items={[
          ...(read.why && !read.withheld
            ? [[t('parts.why'), <Plain key="why">{sentence(read.why)}</Plain>] as [string, ReactNode]]
            : []),
          ...(read.fix ? [[t('parts.whatToDo'), <Said key="fix">{read.fix}</Said>] as [string, ReactNode]] : []),
          ...(place ? [[t('parts.where'), <code key="place">{place}</code>] as [string, ReactNode]] : []),
          ...(read.causeClass ? [[t('parts.cause'), word('words', read.causeClass)] as [string, ReactNode]] : []),
        ]}
      />
      {read.data && Object.keys(read.data).length > 0 && (
        <details>
          <summary>{t('parts.particulars')}</summary>
          <JsonView json={error} label={t('parts.errorAsKept')} none="" />
        </details>
      )}
    </div>
  )
}

/** What was said, or what the code means and which right shows what was said. */
const wordsOf = ({ what, why, withheld }: StoredError): string | undefined =>
  withheld ? `${sentence(why ?? '')} ${t('parts.wordsAreWithheld', { scope: withheld })}` : what

function readError(error: JsonText | null): StoredError {
  const read = readJson<unknown>(error)
  return read !== null && typeof read === 'object' ? (read as StoredError) : { what: String(read ?? '') }
}

/** The first sentence, for a row of a table. */
export function ErrorLine({ error }: { error: JsonText | null }): ReactNode {
  const read = readError(error)
  const { code } = read
  const what = wordsOf(read)
  if (!code && !what) return null
  return (
    <span className="error-line">
      {code && <code>{code}</code>} <Plain>{what ?? ''}</Plain>
    </span>
  )
}
