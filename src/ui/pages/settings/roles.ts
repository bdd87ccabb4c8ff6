import type { Role } from '../../../access/index.ts'
import { t } from '../../texts/index.ts'

const MEANINGS: Record<Role, string> = {
  viewer: t('settings.seesEverythingChangesNothing'),
  operator: t('settings.runsPausesTriesAgain'),
  editor: t('settings.decidesWhatIsWritten'),
  admin: t('settings.managesUsersTokensAndKeys'),
}

export const ROLE_CHOICES = Object.entries(MEANINGS).map(([value, meaning]) => ({
  value,
  label: `${value}: ${meaning}`,
}))
