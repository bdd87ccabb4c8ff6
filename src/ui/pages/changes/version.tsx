import { NativeSelect } from '@mantine/core'
import { type ReactNode, useState } from 'react'
import { useLack } from '../../api/may.ts'
import { useAnswer } from '../../api/queries.ts'
import { withQuery } from '../../api/request.ts'
import type { ConfigurationDifferences, ConfigurationVersionDetail } from '../../api/types.ts'
import { ActionButton } from '../../parts/action-button.tsx'
import { List, Loading } from '../../parts/list.tsx'
import { Mark } from '../../parts/mark.tsx'
import { At } from '../../parts/moment.tsx'
import { Facts, Page, Panel } from '../../parts/page.tsx'
import { Plain } from '../../parts/plain.tsx'
import { Table } from '../../parts/table.tsx'
import { Trouble } from '../../parts/trouble.tsx'
import { useFilters, usePlace } from '../../routing/place.ts'
import { number, t, word } from '../../texts/index.ts'
import { FileDifference } from './file-difference.tsx'
import { RollBack } from './roll-back.tsx'
import { ChangeOf, howText } from './versions.tsx'

/** One configuration that came into force: by whom, its files, what differs from others, and the way back to it. */
export function VersionPage(): ReactNode {
  const id = usePlace().query.get('id') ?? ''
  const answer = useAnswer<ConfigurationVersionDetail>(`/configuration/versions/${encodeURIComponent(id)}`)
  const [asked, setAsked] = useState(false)
  const version = answer.data
  return (
    <Page
      title={t('versions.versionN', { id })}
      aside={
        version &&
        (version.inForce ? (
          <Mark tone="ok">{t('versions.inForce')}</Mark>
        ) : (
          <ActionButton needs="configuration:apply" size="xs" variant="default" onClick={() => setAsked(true)}>
            {t('versions.goBackToIt')}
          </ActionButton>
        ))
      }
    >
      {!version && (answer.error ? <Trouble error={answer.error} /> : <Loading />)}
      {version && (
        <>
          <Panel title={t('versions.whatItIs')}>
            <Facts items={factsOf(version)} />
          </Panel>
          <Differences version={version} />
          <Files version={version} />
        </>
      )}
      {version && asked && <RollBack version={version.version} close={() => setAsked(false)} />}
    </Page>
  )
}

function factsOf(version: ConfigurationVersionDetail): [string, ReactNode][] {
  const { at, actor, host, reason, environment, items } = version
  return [
    [t('versions.since'), <At key="at" at={at} />],
    [t('versions.who'), <Plain key="who">{actor}</Plain>],
    [t('versions.how'), howText(version)],
    [t('versions.host'), <Plain key="host">{host}</Plain>],
    ...(reason === null ? [] : [[t('versions.why'), <Plain key="why">{reason}</Plain>] as [string, ReactNode]]),
    ...(environment === null
      ? []
      : [[t('versions.environment'), <Plain key="env">{environment}</Plain>] as [string, ReactNode]]),
    [
      t('versions.whatChanged'),
      items.length === 0 ? (
        t('versions.onlyFiles')
      ) : (
        <ul key="items">
          {items.map(({ kind, name, change }) => (
            <li key={`${kind} ${name}`}>
              <ChangeOf name={`${word('words', kind)} ${name}`} change={change} />
            </li>
          ))}
        </ul>
      ),
    ],
  ]
}

/** The texts that differ from the version before, or from the one in force. */
function Differences({ version }: { version: ConfigurationVersionDetail }): ReactNode {
  const { values, set } = useFilters(['against'])
  const lack = useLack('configuration:read')
  const inForce = values.against === 'in-force' && !version.inForce
  const from = inForce ? version.version : version.previous
  const path =
    from === null || lack !== null
      ? null
      : withQuery(`/configuration/versions/${from}/differences`, inForce ? {} : { to: version.version })
  const answer = useAnswer<ConfigurationDifferences>(path)
  return (
    <Panel
      title={t('versions.differences')}
      aside={
        !version.inForce && (
          <NativeSelect
            size="xs"
            aria-label={t('versions.comparedWith')}
            value={inForce ? 'in-force' : ''}
            onChange={(event) => set({ against: event.currentTarget.value || null })}
            data={[
              { value: '', label: t('versions.fromTheOneBefore') },
              { value: 'in-force', label: t('versions.toTheOneInForce') },
            ]}
          />
        )
      }
    >
      {typeof lack === 'string' && <p className="dim">{lack}</p>}
      {lack === null && from === null && <p className="dim">{t('versions.noneBefore')}</p>}
      {path !== null && (
        <List source={answer} count={answer.data?.files.length} never={<p>{t('versions.sameFiles')}</p>}>
          {answer.data?.files.map((file) => (
            <FileDifference key={file.path} file={file} />
          ))}
        </List>
      )}
    </Panel>
  )
}

function Files({ version: { version, kept, files } }: { version: ConfigurationVersionDetail }): ReactNode {
  const changes = new Map(files.map(({ path, change }) => [path, change]))
  return (
    <Panel title={t('versions.files')}>
      <List source={SAID} count={kept.length} never={<p>{t('versions.noFiles')}</p>}>
        <Table
          label={t('versions.files')}
          rows={kept}
          keyOf={({ path }) => path}
          columns={[
            {
              head: t('versions.file'),
              className: 'main-cell',
              cell: ({ path, masked }) => <FileText version={version} path={path} masked={masked} />,
            },
            { head: t('versions.bytes'), numeric: true, cell: ({ bytes }) => number(bytes) },
            {
              head: t('versions.inThisVersion'),
              cell: ({ path }) => word('words', changes.get(path) ?? 'unchanged'),
            },
          ]}
        />
      </List>
    </Panel>
  )
}

/** The list came with its version. */
const SAID = { error: null, isPending: false, dataUpdatedAt: 0, refetch: () => undefined }

/** The text is asked for when it is opened; of a secret in it nobody keeps anything. */
function FileText({ version, path, masked }: { version: number; path: string; masked: boolean }): ReactNode {
  const [open, setOpen] = useState(false)
  const lack = useLack('configuration:read')
  const answer = useAnswer<{ text: string }>(
    open && lack === null ? withQuery(`/configuration/versions/${version}/file`, { path }) : null,
  )
  return (
    <details onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>
        <Plain>{path}</Plain>
        {masked && <span className="dim"> {t('versions.aSecretIsNotKept')}</span>}
      </summary>
      {typeof lack === 'string' && <p className="dim">{lack}</p>}
      {answer.error && <Trouble error={answer.error} />}
      {answer.data && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard (WCAG 2.1.1).
        <section aria-label={t('versions.textOf', { path })} tabIndex={0} className="json-scroll">
          <pre>
            <Plain>{answer.data.text}</Plain>
          </pre>
        </section>
      )}
    </details>
  )
}
