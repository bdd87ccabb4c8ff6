import { Button, Checkbox, Group, Modal } from '@mantine/core'
import { type ReactNode, useSyncExternalStore } from 'react'
import { PAGES } from '../routing/pages.ts'
import { t } from '../texts/index.ts'
import { KEYS, keysShown, setSingleKeys, singleKeys } from './single-keys.ts'

/** What single keys do, and the way to switch them off. */
export function KeysDialog(): ReactNode {
  const shown = useSyncExternalStore(keysShown.subscribe, keysShown.get)
  const on = useSyncExternalStore(singleKeys.subscribe, singleKeys.get)
  const close = (): void => keysShown.set(false)
  return (
    <Modal.Root opened={shown} onClose={close} centered transitionProps={{ duration: 0 }}>
      <Modal.Overlay />
      <Modal.Content>
        <Modal.Body>
          <Modal.Title className="dialog-title">{t('keys.keys')}</Modal.Title>
          <dl className="keys">
            {KEYS.map(({ key, does }) => (
              <KeyLine key={key} keys={[key]} does={does} />
            ))}
            {PAGES.map(({ key, name }) => (
              <KeyLine key={name} keys={['g', key]} does={name} />
            ))}
          </dl>
          <p className="dim">{t('keys.theyDoNothingWhileYou')}</p>
          <Checkbox
            mt="sm"
            label={t('keys.useSingleKeys')}
            checked={on}
            onChange={(event) => setSingleKeys(event.currentTarget.checked)}
          />
          <Group justify="flex-end" mt="md">
            <Button variant="default" onClick={close}>
              {t('keys.close')}
            </Button>
          </Group>
        </Modal.Body>
      </Modal.Content>
    </Modal.Root>
  )
}

function KeyLine({ keys, does }: { keys: string[]; does: string }): ReactNode {
  return (
    <div>
      <dt>
        {keys.map((key) => (
          <kbd key={key}>{key}</kbd>
        ))}
      </dt>
      <dd>{does}</dd>
    </div>
  )
}
