import type { Random } from '../world/index.ts'
import type { Desk } from './desk.ts'
import { SUBJECTS } from './seed.ts'

/** A few seconds at the helpdesk: tickets move on, now and then a new one comes, rarely one is deleted. */
export function tickHelpdesk(random: Random, tickets: Desk, agents: Desk, requesters: Desk): void {
  const open = [...tickets.table.rows()].filter((ticket) => ticket.status !== 'closed' && ticket.status !== 'deleted')
  for (let i = random.int(1, 2); i > 0 && open.length > 0; i--)
    tickets.update(String(random.pick(open).id), {
      status: random.pick(['open', 'pending', 'solved']),
      priority: random.pick(['normal', 'high']),
      assignee_id: random.pick([...agents.table.rows()]).id,
    })
  if (random.chance(0.4) && tickets.table.size < 3000)
    tickets.create({
      subject: random.pick(SUBJECTS),
      description: 'Created while the sandbox was running.',
      requester_id: random.pick([...requesters.table.rows()]).id,
      type: 'question',
    })
  if (random.chance(0.05) && open.length > 100) tickets.delete(String(random.pick(open).id))
}
