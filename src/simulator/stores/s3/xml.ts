/** The little XML an object store speaks. */
import type { Reply } from './contract.ts'

export const xml =
  (text: string): Reply =>
  async (response, half) => {
    const bytes = Buffer.from(text)
    response.writeHead(200, { 'content-type': 'application/xml', 'content-length': String(bytes.length) })
    if (half) response.write(bytes.subarray(0, bytes.length >> 1), () => response.socket?.destroy())
    else response.end(bytes)
  }

export const empty =
  (status: number, headers: Record<string, string>): Reply =>
  async (response, half) => {
    if (half) response.socket?.destroy()
    else response.writeHead(status, headers).end()
  }

export const quoted = (text: string): string => text.replace(/[<>&"']/g, (char) => `&#${char.charCodeAt(0)};`)

export const unescaped = (text: string): string =>
  text.replace(/&#(\d+);/g, (_all, code) => String.fromCharCode(Number(code)))

/** Keys as `encoding-type=url` gives them. */
export const coded = (key: string): string => encodeURIComponent(key).replaceAll('%20', '+').replaceAll('%2F', '/')
