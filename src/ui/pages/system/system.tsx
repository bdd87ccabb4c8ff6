import type { ReactNode } from 'react'
import { useAnswer } from '../../api/queries.ts'
import type { System } from '../../api/types.ts'
import { Loading } from '../../parts/list.tsx'
import { Mark } from '../../parts/mark.tsx'
import { Ago } from '../../parts/moment.tsx'
import { Facts, Page, Panel } from '../../parts/page.tsx'
import { Plain } from '../../parts/plain.tsx'
import { Trouble } from '../../parts/trouble.tsx'
import { Link } from '../../routing/link.tsx'
import { to } from '../../routing/to.ts'
import { t } from '../../texts/index.ts'
import { FirstSteps } from './first-steps.tsx'

/** The hub itself, and what is left to do until the first record arrives. */
export function SystemPage(): ReactNode {
  const answer = useAnswer<System>('/system')
  const system = answer.data
  return (
    <Page title={t('system.system')}>
      {answer.error && <Trouble error={answer.error} retry={() => void answer.refetch()} />}
      {!system && answer.isPending && <Loading />}
      <FirstSteps />
      {system && (
        <>
          <Panel title={t('system.thisHub')}>
            <Facts
              items={[
                [t('system.version'), system.version],
                [t('system.node'), system.node],
                [t('system.started'), <Ago key="s" at={system.startedAt} />],
                [
                  'API',
                  <Link key="a" href={to.reference}>
                    {t('system.apiReference')}
                  </Link>,
                ],
              ]}
            />
          </Panel>
          <Panel title={t('system.whatMustWork')}>
            <ul className="steps">
              {system.checks.map(({ name, ok, detail, code }) => (
                <li key={name}>
                  <Mark tone={ok ? 'ok' : 'bad'}>{name}</Mark> {code && <code>{code}</code>}{' '}
                  <Plain>{detail ?? ''}</Plain>
                </li>
              ))}
            </ul>
          </Panel>
        </>
      )}
    </Page>
  )
}
