import type { ErpRecord } from './records.ts'

type Line = { line: number; product: string; description: string; quantity: string; unitPrice: string; vatRate: string }

/** The printed form of an invoice: the same bytes for the same revision. */
export function renderInvoice(invoice: ErpRecord, customer: ErpRecord | undefined): string {
  const lines = (invoice.lines as Line[]).map(
    (line) =>
      `<tr><td>${line.line}</td><td>${escapeHtml(line.product)}</td><td>${escapeHtml(line.description)}</td>` +
      `<td>${line.quantity}</td><td>${line.unitPrice}</td><td>${line.vatRate} %</td></tr>`,
  )
  const address = [customer?.street, `${customer?.postalCode ?? ''} ${customer?.city ?? ''}`.trim(), customer?.country]
  return `<!doctype html>
<html lang="pl"><head><meta charset="utf-8"><title>${escapeHtml(invoice.number)}</title>
<style>body{font:14px/1.5 sans-serif;margin:3em}table{border-collapse:collapse;width:100%}td,th{border-bottom:1px solid #ccc;padding:.4em;text-align:left}</style>
</head><body>
<h1>Faktura / Rechnung ${escapeHtml(invoice.number)}</h1>
<p>Wiślana &amp; Söhne<br>ul. Świętojańska 12<br>80-286 Gdańsk<br>PL</p>
<p><strong>${escapeHtml(String(invoice.customerName ?? customer?.name ?? invoice.customer))}</strong><br>${address.filter(Boolean).map(escapeHtml).join('<br>')}</p>
<p>Data / Datum: ${invoice.invoiceDate} · Termin: ${invoice.dueDate} · Status: ${invoice.status}</p>
<table><thead><tr><th>#</th><th>Nr</th><th>Opis</th><th>Ilość</th><th>Cena</th><th>VAT</th></tr></thead><tbody>
${lines.join('\n')}
</tbody></table>
<p>Netto ${invoice.net} ${invoice.currency}<br>VAT ${invoice.vat} ${invoice.currency}<br><strong>Brutto ${invoice.gross} ${invoice.currency}</strong></p>
</body></html>
`
}

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }
const escapeHtml = (text: unknown): string => String(text).replace(/[&<>"]/g, (sign) => ENTITIES[sign] as string)
