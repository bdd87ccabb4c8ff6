import { type ReactNode, useState } from 'react'
import { useAnswer } from '../../api/queries.ts'
import type { Items, Setting } from '../../api/types.ts'
import { FilterChoice, Filters } from '../../parts/filters.tsx'
import { List } from '../../parts/list.tsx'
import { Panel } from '../../parts/page.tsx'
import { Plain } from '../../parts/plain.tsx'
import { Table } from '../../parts/table.tsx'

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
    <Panel title="What the hub works with">
      <p className="dim">
        From <code>causeway.yaml</code> and the environment, which is where they are changed. Secrets are never shown.
      </p>
      <Filters>
        <FilterChoice label="Settings" none="all" value={group} choices={Object.keys(GROUPS)} onChange={setGroup} />
      </Filters>
      <List
        source={answer}
        count={rows?.length}
        clear={group === null ? undefined : () => setGroup(null)}
        never={<p>No settings.</p>}
      >
        <Table
          label="Settings"
          rows={rows ?? []}
          keyOf={({ name }) => name}
          columns={[
            { head: 'Setting', cell: ({ name }) => <code>{name}</code> },
            {
              head: 'Value',
              className: 'main-cell',
              cell: ({ value }) => (value === null ? <span className="dim">not set</span> : <Plain>{value}</Plain>),
            },
            {
              head: 'From',
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
            { head: 'What it is', className: 'main-cell', cell: ({ description }) => <p>{description}</p> },
          ]}
        />
      </List>
    </Panel>
  )
}
