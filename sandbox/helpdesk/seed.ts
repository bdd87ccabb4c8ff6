import type { Row, Store } from '../state/index.ts'
import { PAST_ENDS, type Person, past, type World } from '../world/index.ts'
import { RESOURCES, seconds } from './records.ts'

export const SUBJECTS = [
  'Nie mogę się zalogować po zmianie hasła',
  'Faktura zawiera błędną stawkę VAT',
  'Lieferung unvollständig – zwei Kartons fehlen',
  'Rückfrage zur Gewährleistung für Förderband',
  'Pièce détachée reçue abîmée',
  'Délai de livraison à confirmer',
  'Replacement lamp arrived with the wrong fitting',
  'Please add my colleague to the account',
] as const
const DESCRIPTIONS = [
  'Dzień dobry,\nod wczoraj system odrzuca moje hasło. Proszę o pomoc. Pozdrawiam',
  'Guten Tag,\nbei der letzten Lieferung stimmt die Menge nicht. Bitte um kurze Rückmeldung.',
  'Bonjour,\nle produit est arrivé cassé – photos en pièce jointe. Merci d’avance !',
  'Hi there,\ncould someone take a look? It says “unexpected error” & nothing else. 🙏',
] as const

const locale = (person: Person): string => (person.language === 'en' ? 'en-GB' : person.language)

/** Fills a new helpdesk: 24 agents of the own staff, 400 requesters the CRM knows too, 600 tickets. */
export function seedHelpdesk(store: Store, world: World): void {
  const random = world.random.for('helpdesk')
  const put = (name: string, values: Row, updated: number): number => {
    const resource = RESOURCES.find((one) => one.name === name)!
    const id = store.next(name, resource.firstId)
    const created_at = seconds(Math.min(updated, PAST_ENDS) - random.int(0, 90) * 86_400_000)
    store.table(name).put(String(id), { id, ...resource.defaults, ...values, created_at, updated_at: seconds(updated) })
    return id
  }
  const agents = world.staff.slice(0, 24).map((person, index) =>
    put(
      'agents',
      {
        name: `${person.firstName} ${person.lastName}`,
        email: person.email,
        phone: person.phone,
        role: index === 0 ? 'admin' : index < 4 ? 'lead' : 'agent',
        group: random.pick(['First line', 'Technik', 'Rozliczenia']),
        locale: locale(person),
      },
      past(random),
    ),
  )
  const requesters = world.contacts.slice(0, 400).map((person) =>
    put(
      'requesters',
      {
        name: `${person.firstName} ${person.lastName}`,
        email: person.email,
        phone: random.chance(0.5) ? person.phone : null,
        organization: person.company === null ? null : world.companies[person.company]?.name,
        locale: locale(person),
      },
      past(random),
    ),
  )
  for (let i = 0; i < 600; i++) {
    const status = random.pick(['new', 'open', 'open', 'pending', 'hold', 'solved', 'closed', 'closed'])
    put(
      'tickets',
      {
        subject: random.pick(SUBJECTS),
        description: random.pick(DESCRIPTIONS),
        status,
        priority: random.pick(['low', 'normal', 'normal', 'high', 'urgent']),
        type: random.pick(['question', 'incident', 'problem', 'task']),
        requester_id: random.pick(requesters),
        assignee_id: status === 'new' ? null : random.pick(agents),
        tags: random.chance(0.5) ? [random.pick(['wysyłka', 'rechnung', 'retour', 'login'])] : [],
        custom_fields: [{ id: 7001, value: random.chance(0.5) ? `INV/2026/${random.digits(6)}` : null }],
      },
      past(random),
    )
  }
}
