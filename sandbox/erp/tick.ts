import type { Random } from '../world/index.ts'
import type { Ledger } from './ledger.ts'
import { dayOf, PAYMENT_TERMS } from './records.ts'
import { makeLines } from './seed.ts'

/** A few seconds in accounting and dispatch. Customers are blocked rather than deleted; only drafts disappear. */
export function tickErp(random: Random, ledger: (name: string) => Ledger): void {
  const [customers, invoices, orders] = [ledger('customers'), ledger('invoices'), ledger('orders')]
  const anyone = random.pick([...customers.table.rows()])
  if (random.chance(0.5)) customers.change(String(anyone.id), { paymentTerms: random.pick(PAYMENT_TERMS) }, '')
  const posted = [...invoices.table.rows()].filter((invoice) => invoice.status === 'posted')
  if (posted.length > 0) invoices.change(String(random.pick(posted).id), { status: 'paid' }, '')
  const shipped = random.pick([...orders.table.rows()])
  orders.change(String(shipped.id), { status: random.pick(['open', 'shipped', 'invoiced']) }, '')
  const lines = makeLines(random, [...ledger('products').table.rows()], random.int(1, 4))
  const today = dayOf(Date.now())
  const head = { customer: anyone.number, currency: anyone.currency, lines }
  if (random.chance(0.3) && invoices.table.size < 4000)
    invoices.create({
      ...head,
      customerName: anyone.name,
      invoiceDate: today,
      dueDate: dayOf(Date.now() + 2_592_000_000),
      status: 'posted',
    })
  if (random.chance(0.2) && orders.table.size < 2000) orders.create({ ...head, orderDate: today })
  const drafts = [...invoices.table.rows()].filter((invoice) => invoice.status === 'draft')
  if (random.chance(0.05) && drafts.length > 50) invoices.delete(String(random.pick(drafts).id))
}
