import { Button, Group, Textarea, TextInput } from '@mantine/core'
import { type FormEvent, type ReactNode, useState } from 'react'
import { post, useAction } from '../api/queries.ts'
import type { DeadLetterDetail } from '../api/types.ts'
import { ActionButton } from '../parts/action-button.tsx'
import { Facts, Panel } from '../parts/page.tsx'
import { Plain } from '../parts/plain.tsx'
import { Trouble } from '../parts/trouble.tsx'
import { t } from '../texts/index.ts'

/** Who looks after a dead letter, and what is known about it. */
export function Care({ letter, path }: { letter: DeadLetterDetail; path: string }): ReactNode {
  const [editing, setEditing] = useState(false)
  return (
    <Panel
      title={t('deadLetter.whoLooksAfterIt')}
      aside={
        letter.state === 'open' &&
        !editing && (
          <ActionButton needs="letters:operate" size="compact-xs" variant="default" onClick={() => setEditing(true)}>
            {t('deadLetter.assign')}
          </ActionButton>
        )
      }
    >
      {editing ? (
        <Assignment letter={letter} path={path} close={() => setEditing(false)} />
      ) : (
        <Facts
          items={[
            [t('deadLetter.whose'), <Plain key="a">{letter.assignee ?? t('deadLetter.nobodysYet')}</Plain>],
            ...(letter.note
              ? [[t('deadLetter.note'), <Plain key="n">{letter.note}</Plain>] as [string, ReactNode]]
              : []),
          ]}
        />
      )}
    </Panel>
  )
}

type Props = { letter: DeadLetterDetail; path: string; close: () => void }

function Assignment({ letter, path, close }: Props): ReactNode {
  const [assignee, setAssignee] = useState(letter.assignee ?? '')
  const [note, setNote] = useState(letter.note ?? '')
  const assign = useAction(() => post(`${path}/assign`, { assignee: assignee.trim() || null, note: note.trim() }))
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    assign.mutate(undefined, { onSuccess: close })
  }
  return (
    <form onSubmit={submit} method="post">
      <TextInput
        label={t('deadLetter.whose')}
        description={t('deadLetter.emptyForNobody')}
        size="xs"
        maxLength={200}
        value={assignee}
        onChange={(event) => setAssignee(event.currentTarget.value)}
      />
      <Textarea
        label={t('deadLetter.note')}
        description={t('deadLetter.whatIsKnownOrWas')}
        size="xs"
        maxLength={1_000}
        autosize
        minRows={2}
        mt="xs"
        value={note}
        onChange={(event) => setNote(event.currentTarget.value)}
      />
      {assign.error && <Trouble error={assign.error} />}
      <Group gap="xs" mt="xs">
        <Button size="xs" type="submit" loading={assign.isPending}>
          {t('deadLetter.save')}
        </Button>
        <Button size="xs" variant="default" onClick={close}>
          {t('deadLetter.notNow')}
        </Button>
      </Group>
    </form>
  )
}
