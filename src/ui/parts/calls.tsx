import type { ReactNode } from 'react'
import { type JsonText, readJson } from '../api/json-text.ts'
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
          label="Calls"
          rows={calls.map((call, index) => ({ ...call, index }))}
          keyOf={({ index }) => index}
          columns={[
            { head: 'Call', className: 'main-cell', cell: ({ method, url }) => <Plain>{`${method} ${url}`}</Plain> },
            { head: 'Answer', cell: ({ status, error }) => <Answer status={status} error={error} /> },
            { head: 'Took', numeric: true, cell: ({ ms }) => `${ms.toLocaleString()} ms` },
            { head: 'Sent, bytes', numeric: true, cell: ({ requestBytes }) => requestBytes.toLocaleString() },
            { head: 'Received, bytes', numeric: true, cell: ({ responseBytes }) => responseBytes.toLocaleString() },
            { head: 'At', cell: ({ at }) => <At at={at} /> },
            { head: 'Action', cell: (call) => <CopyButton text={curlOf(call)} label="Copy as curl" /> },
          ]}
        />
      )}
      <JsonView json={exchange} label="Exchange" none={none} />
    </>
  )
}

function Answer({ status, error }: { status: number | null; error: string | undefined }): ReactNode {
  if (status === null) return <Mark tone="bad">{error ? <Plain>{error}</Plain> : 'none'}</Mark>
  return <Mark tone={status < 400 ? 'ok' : 'bad'}>{status}</Mark>
}
