import type { ReactNode } from 'react'
import { type JsonText, readJson } from '../api/json-text.ts'
import { number, t } from '../texts/index.ts'
import { CopyButton } from './copy-button.tsx'
import { type Call, curlOf } from './curl.ts'
import { JsonView } from './json-view.tsx'
import { Mark } from './mark.tsx'
import { At } from './moment.tsx'
import { Plain } from './plain.tsx'
import { Table } from './table.tsx'

/** The calls behind a letter: what was asked, what was answered, and each as a command to try by hand. */
export function Calls({ exchange, none }: { exchange: JsonText | null; none: string }): ReactNode {
  const read = readJson<unknown>(exchange)
  const calls = Array.isArray(read) ? (read as Call[]) : []
  return (
    <>
      {calls.length > 0 && (
        <Table
          label={t('parts.calls')}
          rows={calls.map((call, index) => ({ ...call, index }))}
          keyOf={({ index }) => index}
          columns={[
            {
              head: t('parts.call'),
              className: 'main-cell',
              cell: ({ method, url }) => <Plain>{`${method} ${url}`}</Plain>,
            },
            { head: t('parts.answer'), cell: ({ status, error }) => <Answer status={status} error={error} /> },
            { head: t('parts.took'), numeric: true, cell: ({ ms }) => t('parts.ms', { ms }) },
            { head: t('parts.sentBytes'), numeric: true, cell: ({ requestBytes }) => number(requestBytes) },
            { head: t('parts.receivedBytes'), numeric: true, cell: ({ responseBytes }) => number(responseBytes) },
            { head: t('parts.at'), cell: ({ at }) => <At at={at} /> },
            {
              head: t('parts.action'),
              cell: (call) => <CopyButton text={curlOf(call)} label={t('parts.copyAsCurl')} />,
            },
          ]}
        />
      )}
      <JsonView json={exchange} label={t('parts.exchange')} none={none} />
    </>
  )
}

function Answer({ status, error }: { status: number | null; error: string | undefined }): ReactNode {
  if (status === null) return <Mark tone="bad">{error ? <Plain>{error}</Plain> : t('parts.none')}</Mark>
  return <Mark tone={status < 400 ? 'ok' : 'bad'}>{status}</Mark>
}
