import { lazily } from '../../core/index.ts'
import type { DocumentedFunction } from './documented.ts'

type HtmlToText = { convert(html: string, options: object): string }
const html = lazily<HtmlToText>('html-to-text')

/** Deeper or larger markup than people write is cut off instead of costing the record its time. */
const LIMITS = { maxInputLength: 2_000_000, limits: { maxDepth: 100, maxChildNodes: 10_000 } }
const ESCAPES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

function paragraphs(text: string): string {
  const escaped = text.replace(/[&<>"']/g, (sign) => ESCAPES[sign]!)
  return escaped
    .split(/(?:\r?\n){2,}/)
    .map((paragraph) => `<p>${paragraph.replace(/\r?\n/g, '<br>')}</p>`)
    .join('')
}

export const markupFunctions: Record<string, DocumentedFunction> = {
  htmlToText: {
    usage: '$htmlToText(html)',
    sense: 'What a reader sees of HTML, as plain text; links keep their address, scripts and styles are left out.',
    signature: '<s-:s>',
    implementation: (text?: string) =>
      text === undefined ? undefined : html().convert(text, { wordwrap: false, baseElements: {}, ...LIMITS }),
    examples: [
      ['$htmlToText("<p>Dear <b>Anna</b>,<br>x &amp; y</p>")', 'Dear Anna,\nx & y'],
      ['$htmlToText("<script>x()</script>ok")', 'ok'],
    ],
  },
  textToHtml: {
    usage: '$textToHtml(text)',
    sense: 'Plain text as HTML: signs that mean something there are escaped, empty lines make paragraphs.',
    signature: '<s-:s>',
    implementation: (text?: string) => (text === undefined ? undefined : paragraphs(text)),
    examples: [['$textToHtml("1 < 2\n3\n\n4")', '<p>1 &lt; 2<br>3</p><p>4</p>']],
  },
}
