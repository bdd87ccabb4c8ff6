const ESCAPES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }
// XML 1.0 has no way to write most control characters, not even escaped.
const CONTROLS = /[^\t\n\r\u0020-\ufffd]/g
/** Text as it may stand in XML, elements and attributes alike. */
export const escapeXml = (text: string): string =>
  text
    .toWellFormed()
    .replace(CONTROLS, '\ufffd')
    .replace(/[&<>"]/g, (char) => ESCAPES[char]!)
