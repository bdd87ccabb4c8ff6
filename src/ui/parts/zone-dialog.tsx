import { Button, Group, Modal, NativeSelect } from '@mantine/core'
import type { ReactNode } from 'react'
import { t } from '../texts/index.ts'
import { setZone, useZone } from './zone.ts'

/** All zones of the browser; made when it is opened, for there are more than four hundred. */
export function ZoneDialog({ close }: { close: () => void }): ReactNode {
  const zone = useZone()
  const named = Intl.supportedValuesOf('timeZone').filter((name) => name !== 'UTC')
  const own = Intl.DateTimeFormat().resolvedOptions().timeZone
  const offered = [
    { value: 'local', label: t('parts.thisBrowser', { own }) },
    { value: 'utc', label: t('parts.utcAsInLogs') },
    ...(zone === 'local' || zone === 'utc' || named.includes(zone) ? named : [zone, ...named]),
  ]
  return (
    <Modal.Root opened onClose={close} centered transitionProps={{ duration: 0 }}>
      <Modal.Overlay />
      <Modal.Content>
        <Modal.Body>
          <Modal.Title className="dialog-title">{t('parts.timeZone')}</Modal.Title>
          <NativeSelect
            label={t('parts.timesAreShownIn')}
            description={t('parts.itStandsInTheAddress')}
            value={zone}
            data={offered}
            onChange={(event) => setZone(event.currentTarget.value)}
          />
          <Group justify="flex-end" mt="md">
            <Button variant="default" onClick={close}>
              {t('parts.close')}
            </Button>
          </Group>
        </Modal.Body>
      </Modal.Content>
    </Modal.Root>
  )
}
