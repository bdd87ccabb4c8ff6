import { type ReactNode, useState } from 'react'
import { useAnswer } from '../../api/queries.ts'
import type { Items, Setting } from '../../api/types.ts'
import { FilterChoice, Filters } from '../../parts/filters.tsx'
import { List } from '../../parts/list.tsx'
import { Panel } from '../../parts/page.tsx'
import { Plain } from '../../parts/plain.tsx'
import { Table } from '../../parts/table.tsx'
import { rich, t } from '../../texts/index.ts'

const ONCE_MS = 60_000

/** What is kept for how long is what people look for most. */
const GROUPS: Record<string, (name: string) => boolean> = {
  retention: (name) => name.endsWith('_days'),
  'login by a provider': (name) => name.startsWith('oidc_'),
  'set here': () => true,
}

/** Settings are read with the files; changing one is a change of the files or of the environment, and a restart. */
export function EffectiveSettings(): ReactNode {
  const answer = useAnswer<Items<Setting>>('/settings', ONCE_MS)
  const [group, setGroup] = useState<string | null>(null)
  const isShown = ({ name, from }: Setting): boolean =>
    group === null || ((GROUPS[group]?.(name) ?? true) && (group !== 'set here' || from !== 'default'))
  const rows = answer.data?.items.filter(isShown)
  return (
    <Panel title={t('settings.whatTheHubWorksWith')}>
      <p className="dim">{rich('settings.fromAndTheEnvironmentWhich', { code: <code>causeway.yaml</code> })}</p>
      <Filters>
        <FilterChoice
          label={t('settings.settings')}
          none={t('settings.all')}
          value={group}
          choices={Object.keys(GROUPS)}
          onChange={setGroup}
        />
      </Filters>
      <List
        source={answer}
        count={rows?.length}
        clear={group === null ? undefined : () => setGroup(null)}
        never={<p>{t('settings.noSettings')}</p>}
      >
        <Table
          label={t('settings.settings')}
          rows={rows ?? []}
          keyOf={({ name }) => name}
          columns={[
            { head: t('settings.setting'), cell: ({ name }) => <code>{name}</code> },
            {
              head: t('settings.value'),
              className: 'main-cell',
              cell: ({ value }) =>
                value === null ? <span className="dim">{t('settings.notSet')}</span> : <Plain>{value}</Plain>,
            },
            {
              head: t('settings.from'),
              cell: ({ from, where }) => (
                <>
                  {from}
                  {where !== null && (
                    <p className="dim">
                      <Plain>{where}</Plain>
                    </p>
                  )}
                </>
              ),
            },
            { head: t('settings.whatItIs'), className: 'main-cell', cell: ({ description }) => <p>{description}</p> },
          ]}
        />
      </List>
    </Panel>
  )
}
