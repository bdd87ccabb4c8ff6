import { Group } from '@mantine/core'
import { type ReactNode, useState } from 'react'
import { useAnswer } from '../../api/queries.ts'
import { withQuery } from '../../api/request.ts'
import type { EntityDetail } from '../../api/types.ts'
import { ActionButton } from '../../parts/action-button.tsx'
import { JsonView } from '../../parts/json-view.tsx'
import { Loading } from '../../parts/list.tsx'
import { At } from '../../parts/moment.tsx'
import { Page, Panel } from '../../parts/page.tsx'
import { Plain } from '../../parts/plain.tsx'
import { Table } from '../../parts/table.tsx'
import { Trouble } from '../../parts/trouble.tsx'
import { Link } from '../../routing/link.tsx'
import { usePlace } from '../../routing/place.ts'
import { to } from '../../routing/to.ts'
import { rich, t, word } from '../../texts/index.ts'
import { MergeDialog } from './merge-dialog.tsx'
import { SideBySide } from './side-by-side.tsx'
import { SplitDialog } from './split-dialog.tsx'
import { UnderWay } from './under-way.tsx'

/** Everything all systems know of one thing, and what persons decided about it. */
export function EntityPage(): ReactNode {
  const { query } = usePlace()
  const type = query.get('type') ?? ''
  const id = Number(query.get('id'))
  const path = `/entities/${encodeURIComponent(type)}/${id}`
  // Not part of the address: a reload or a sent link must not show (and put into the audit trail) what is masked.
  const [reveal, setReveal] = useState(false)
  const answer = useAnswer<EntityDetail>(
    reveal ? withQuery(path, { reveal: 'true' }) : path,
    reveal ? 600_000 : undefined,
  )
  const entity = answer.data
  return (
    <Page title={`${type} ${id}`} aside={entity && <Actions entity={entity} />}>
      {answer.error && <Trouble error={answer.error} retry={() => void answer.refetch()} />}
      {!entity && answer.isPending && <Loading />}
      {entity && (
        <>
          <Panel title={t('entities.onePicture')} aside={<Reveal entity={entity} reveal={reveal} toggle={setReveal} />}>
            <SideBySide entity={entity} />
          </Panel>
          <UnderWay entity={entity} />
          <Timeline entity={entity} />
          <History entity={entity} />
        </>
      )}
    </Page>
  )
}

type RevealProps = { entity: EntityDetail; reveal: boolean; toggle: (reveal: boolean) => void }

function Reveal({ entity, reveal, toggle }: RevealProps): ReactNode {
  const masked = Object.values(entity.fields).some((field) => field.masked)
  if (!masked && !reveal) return null
  return (
    <ActionButton needs="records:reveal" size="compact-xs" variant="default" onClick={() => toggle(!reveal)}>
      {reveal ? t('entities.maskAgain') : t('entities.showMaskedValuesAudited')}
    </ActionButton>
  )
}

function Actions({ entity }: { entity: EntityDetail }): ReactNode {
  const [asked, setAsked] = useState<'merge' | 'split' | null>(null)
  const close = (): void => setAsked(null)
  return (
    <Group gap={6}>
      <ActionButton needs="entities:decide" size="xs" variant="default" onClick={() => setAsked('merge')}>
        {t('entities.merge2')}
      </ActionButton>
      {entity.records.length > 1 && (
        <ActionButton needs="entities:decide" size="xs" variant="default" onClick={() => setAsked('split')}>
          {t('entities.split')}
        </ActionButton>
      )}
      {asked === 'merge' && <MergeDialog entity={entity} close={close} />}
      {asked === 'split' && <SplitDialog entity={entity} close={close} />}
    </Group>
  )
}

function Timeline({ entity: { timeline } }: { entity: EntityDetail }): ReactNode {
  return (
    <Panel title={t('entities.timeline')}>
      {timeline.length === 0 ? (
        <p className="nothing">{rich('entities.nothingWhatBelongsHereStands', { code: <code>timeline</code> })}</p>
      ) : (
        <Table
          label={t('entities.timeline')}
          rows={timeline}
          keyOf={(event) => `${event.stream} ${event.id} ${event.kind}`}
          columns={[
            {
              head: t('entities.when'),
              cell: ({ at }) => (at === null ? <span className="dim">–</span> : <At at={at} />),
            },
            { head: t('entities.kind'), cell: ({ kind }) => <Plain>{kind}</Plain> },
            { head: t('entities.what'), className: 'main-cell', cell: ({ text }) => <Plain>{text}</Plain> },
            {
              head: t('entities.record'),
              cell: ({ stream, id }) => (
                <Link href={to.record(stream, id)}>
                  <Plain>{`${stream} ${id}`}</Plain>
                </Link>
              ),
            },
          ]}
        />
      )}
    </Panel>
  )
}

function History({ entity: { history } }: { entity: EntityDetail }): ReactNode {
  if (!history.length) return null
  return (
    <Panel title={t('entities.howItCameToBe')}>
      <Table
        label={t('entities.history')}
        rows={history}
        keyOf={(entry) => `${entry.at} ${entry.action} ${entry.entityId} ${entry.otherId}`}
        columns={[
          { head: t('entities.when'), cell: ({ at }) => <At at={at} /> },
          { head: t('entities.what'), cell: ({ action }) => <Plain>{word('words', action)}</Plain> },
          { head: t('entities.by'), cell: ({ actor }) => <Plain>{actor}</Plain> },
          { head: t('entities.otherEntity'), numeric: true, cell: ({ otherId }) => otherId ?? '–' },
          {
            head: t('entities.particulars'),
            className: 'main-cell',
            cell: ({ detail, action }) => (
              <details>
                <summary>{t('entities.show')}</summary>
                <JsonView json={detail} label={t('entities.particularsOf', { action })} none={t('entities.none')} />
              </details>
            ),
          },
        ]}
      />
    </Panel>
  )
}
