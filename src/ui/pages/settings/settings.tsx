import type { ReactNode } from 'react'
import { useLack } from '../../api/may.ts'
import { Page } from '../../parts/page.tsx'
import { t } from '../../texts/index.ts'
import { AlertRoutes } from './alert-routes.tsx'
import { EffectiveSettings } from './effective.tsx'
import { Secrets } from './secrets.tsx'
import { Tokens } from './tokens.tsx'
import { Users } from './users.tsx'

/** Who may use the hub, who is told of trouble, which secrets are kept, and what the hub works with. */
export function SettingsPage(): ReactNode {
  const [noAccess, noSettings] = [useLack('access:manage'), useLack('support:read')]
  return (
    <Page title={t('settings.settings')}>
      <AlertRoutes />
      <Secrets />
      {noAccess === null && (
        <>
          <Users />
          <Tokens />
        </>
      )}
      {noSettings === null && <EffectiveSettings />}
      {noAccess && <p className="dim">{t('settings.usersTokensAndSettingsAre', { noAccess })}</p>}
    </Page>
  )
}
