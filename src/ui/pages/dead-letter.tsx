import { Group } from '@mantine/core'
import { type ReactNode, useState } from 'react'
import { post, useAction, useAnswer } from '../api/queries.ts'
import { withQuery } from '../api/request.ts'
import type { DeadLetterDetail, RecordDetail } from '../api/types.ts'
import { ActionButton } from '../parts/action-button.tsx'
import { Calls } from '../parts/calls.tsx'
import { Confirm } from '../parts/confirm.tsx'
import { JsonView } from '../parts/json-view.tsx'
import { Loading } from '../parts/list.tsx'
import { State } from '../parts/mark.tsx'
import { At } from '../parts/moment.tsx'
import { Facts, Page, Panel } from '../parts/page.tsx'
import { Plain } from '../parts/plain.tsx'
import { StoredErrorView } from '../parts/stored-error.tsx'
import { Trouble } from '../parts/trouble.tsx'
import { Link } from '../routing/link.tsx'
import { usePlace } from '../routing/place.ts'
import { to } from '../routing/to.ts'
import { t } from '../texts/index.ts'
import { Care } from './care.tsx'
import { CorrectDialog } from './correct-dialog.tsx'
import { Journal } from './journal.tsx'

export function DeadLetterPage(): ReactNode {
  const id = usePlace().query.get('id') ?? ''
  const path = `/dead-letters/${encodeURIComponent(id)}`
  const answer = useAnswer<DeadLetterDetail>(path)
  const letter = answer.data
  return (
    <Page
      title={t('deadLetter.deadLetter', { id })}
      aside={letter?.state === 'open' && <Actions path={path} letter={letter} />}
    >
      {answer.error && <Trouble error={answer.error} retry={() => void answer.refetch()} />}
      {!letter && answer.isPending && <Loading />}
      {letter && (
        <>
          {letter.error && (
            <Panel title={t('deadLetter.whatHappened')}>
              <StoredErrorView error={letter.error} />
            </Panel>
          )}
          <About letter={letter} />
          <Care letter={letter} path={path} />
          <Panel title={t('deadLetter.input')}>
            <JsonView json={letter.input} label={t('deadLetter.input')} none={t('deadLetter.noSourceRecordWasKept')} />
          </Panel>
          <Panel title={t('deadLetter.output')}>
            <JsonView
              json={letter.output}
              label={t('deadLetter.output')}
              none={t('deadLetter.theMappingGaveNothingOr')}
            />
          </Panel>
          <Panel title={t('deadLetter.exchangeWithTheTarget')}>
            <Calls exchange={letter.exchange} none={t('deadLetter.nothingWasSent')} />
          </Panel>
          <Attempts letter={letter} />
        </>
      )}
    </Page>
  )
}

function About({ letter }: { letter: DeadLetterDetail }): ReactNode {
  const items: [string, ReactNode][] = [[t('deadLetter.state'), <State key="s" state={letter.state} />]]
  if (letter.reason) items.push([t('deadLetter.reason'), <Plain key="r">{letter.reason}</Plain>])
  if (letter.actor) items.push([t('deadLetter.by'), <Plain key="b">{letter.actor}</Plain>])
  if (letter.recordId !== null && letter.stream !== null)
    items.push([
      t('deadLetter.record'),
      <Link key="rec" href={to.record(letter.stream, letter.recordId)}>
        <Plain>{`${letter.stream} ${letter.recordId}`}</Plain>
      </Link>,
    ])
  if (letter.part) items.push([t('deadLetter.part'), <Plain key="p">{letter.part}</Plain>])
  if (letter.sync !== null)
    items.push([
      t('deadLetter.sync'),
      <Link key="sync" href={to.sync(letter.sync)}>
        <Plain>{letter.sync}</Plain>
      </Link>,
    ])
  if (letter.connection !== null) items.push([t('deadLetter.failedAt'), <Plain key="c">{letter.connection}</Plain>])
  items.push([t('deadLetter.since'), <At key="at" at={letter.createdAt} />])
  if (letter.closedAt) items.push([t('deadLetter.closed'), <At key="cl" at={letter.closedAt} />])
  items.push([t('deadLetter.tries'), String(letter.attempts)])
  if (letter.runId !== null)
    items.push([
      t('deadLetter.run'),
      <Link key="run" href={to.run(letter.runId)}>
        {letter.runId}
      </Link>,
    ])
  if (letter.mappingVersion) items.push([t('deadLetter.mapping'), <code key="m">{letter.mappingVersion}</code>])
  items.push([
    t('deadLetter.sameCause'),
    <Link
      key="same"
      href={to.deadLetters({ code: letter.code, fingerprint: letter.fingerprint, connection: letter.connection })}
    >
      {t('deadLetter.allDeadLettersWithIt')}
    </Link>,
  ])
  return (
    <Panel title={t('deadLetter.aboutIt')}>
      <Facts items={items} />
    </Panel>
  )
}

/** Every attempt on the record by this sync that the journal still has. */
function Attempts({ letter }: { letter: DeadLetterDetail }): ReactNode {
  const { stream, recordId, sync, part } = letter
  const known = stream !== null && recordId !== null && letter.kind === 'push'
  const record = useAnswer<RecordDetail>(known ? withQuery('/record', { stream, id: recordId }) : null)
  if (!known || !record.data) return null
  const own = record.data.journal.filter((entry) => entry.sync === sync && entry.part === (part ?? ''))
  return <Journal title={t('deadLetter.attempts')} entries={own} />
}

function Actions({ path, letter }: { path: string; letter: DeadLetterDetail }): ReactNode {
  const [correcting, setCorrecting] = useState(false)
  const [discarding, setDiscarding] = useState(false)
  const requeue = useAction(() => post(`${path}/requeue`))
  const discard = useAction((reason: string) => post(`${path}/discard`, { reason }))
  return (
    <Group gap={6}>
      {letter.kind === 'push' && letter.sync !== null && letter.input !== null && (
        <Link href={to.playground({ sync: letter.sync, letter: String(letter.id) })}>
          {t('deadLetter.openInPlayground')}
        </Link>
      )}
      {requeue.error && <span className="tone-bad">{requeue.error.message}</span>}
      <ActionButton
        needs="letters:operate"
        size="xs"
        aria-keyshortcuts="r"
        loading={requeue.isPending}
        onClick={() => requeue.mutate(undefined)}
      >
        {t('deadLetter.requeue')}
      </ActionButton>
      {letter.kind === 'push' && letter.input !== null && (
        <ActionButton needs="records:write" size="xs" variant="default" onClick={() => setCorrecting(true)}>
          {t('deadLetter.correct')}
        </ActionButton>
      )}
      {correcting && letter.input !== null && (
        <CorrectDialog path={path} input={letter.input} close={() => setCorrecting(false)} />
      )}
      <ActionButton needs="letters:operate" size="xs" variant="default" onClick={() => setDiscarding(true)}>
        {t('deadLetter.discard')}
      </ActionButton>
      {discarding && (
        <Confirm
          title={t('deadLetter.giveThisRecordUp')}
          verb={t('deadLetter.discard2')}
          danger
          reason="required"
          busy={discard.isPending}
          error={discard.error}
          close={() => setDiscarding(false)}
          confirm={(reason) => discard.mutate(reason, { onSuccess: () => setDiscarding(false) })}
        >
          <p>{t('deadLetter.itIsNotDeliveredUntil')}</p>
        </Confirm>
      )}
    </Group>
  )
}
