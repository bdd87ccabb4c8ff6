import { Button, Group, Modal, Textarea } from '@mantine/core'
import { type FormEvent, type ReactNode, useEffect, useState } from 'react'
import { t } from '../texts/index.ts'
import { Trouble } from './trouble.tsx'

type Props = {
  title: string
  children: ReactNode
  /** What the button says: the verb, not "OK". */
  verb: string
  danger?: boolean
  /** Whether a reason must or may be given. */
  reason?: 'required' | 'optional' | 'none'
  ready?: boolean
  /** For dialogs that show tables. */
  wide?: boolean
  busy: boolean
  error: Error | null
  confirm: (reason: string) => void
  close: () => void
}

/** Asks before something is done; says what it will touch. Escape and "Not now" leave everything as it is. */
export function Confirm({ reason = 'none', ready = true, wide = false, ...props }: Props): ReactNode {
  const [words, setWords] = useState('')
  useFocusReturn()
  const complete = ready && (reason !== 'required' || words.trim() !== '')
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    if (complete && !props.busy) props.confirm(words.trim())
  }
  return (
    // Composed by hand, because Mantine's own head of a dialog is a second banner to screen readers.
    <Modal.Root opened onClose={props.close} centered size={wide ? 'xl' : 'md'} transitionProps={{ duration: 0 }}>
      <Modal.Overlay />
      <Modal.Content>
        <Modal.Body>
          <Modal.Title className="dialog-title">{props.title}</Modal.Title>
          <form onSubmit={submit} method="post">
            {props.children}
            {reason !== 'none' && (
              <Textarea
                label={reason === 'required' ? t('parts.why') : t('parts.whyOptional')}
                description={t('parts.goesIntoTheAuditTrail')}
                required={reason === 'required'}
                maxLength={1_000}
                autosize
                minRows={2}
                mt="sm"
                value={words}
                onChange={(event) => setWords(event.currentTarget.value)}
              />
            )}
            {props.error && <Trouble error={props.error} />}
            <Group justify="flex-end" mt="md" gap="xs">
              <Button variant="default" onClick={props.close}>
                {t('parts.notNow')}
              </Button>
              <Button
                type="submit"
                disabled={!complete}
                loading={props.busy}
                {...(props.danger ? { color: 'red' } : {})}
              >
                {props.verb}
              </Button>
            </Group>
          </form>
        </Modal.Body>
      </Modal.Content>
    </Modal.Root>
  )
}

/** Gives the focus back to what opened the dialog. Mantine does so only for dialogs that stay mounted. */
function useFocusReturn(): void {
  const [opener] = useState(() => document.activeElement)
  useEffect(
    () => () => {
      // After the dialog's own focus trap has let go.
      if (opener instanceof HTMLElement) setTimeout(() => opener.isConnected && opener.focus())
    },
    [opener],
  )
}
