/** An assistant's client: it starts `causeway mcp` as a process and speaks with it on stdin and stdout. */
import { Client } from '@modelcontextprotocol/client'
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio'
import { onTestFinished } from 'vitest'
import { BIN, CACHE } from './run-cli.ts'

/** The test itself ends sooner; a hub that opens on a busy machine takes its time. */
const PATIENCE_MS = 300_000

/** What a tool answered. */
type Said = {
  isError: boolean
  /** The text as it came. */
  text: string
  // biome-ignore lint/suspicious/noExplicitAny: each test knows what it asked for.
  content: any
}

export type Assistant = {
  client: Client
  say(tool: string, given?: Record<string, unknown>): Promise<Said>
}

/** A session with the command, given these arguments. It ends with the test. */
export async function assistant(args: string[], cwd = import.meta.dirname): Promise<Assistant> {
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [BIN, 'mcp', ...args],
    env: { PATH: process.env.PATH ?? '', XDG_CACHE_HOME: CACHE },
    cwd,
  })
  const client = new Client({ name: 'test', version: '1' })
  await client.connect(transport, { timeout: PATIENCE_MS })
  onTestFinished(() => client.close())
  return {
    client,
    async say(name, given = {}) {
      const { content, structuredContent, isError } = await client.callTool(
        { name, arguments: given },
        { timeout: PATIENCE_MS },
      )
      const [first] = content as { text: string }[]
      return { isError: isError ?? false, text: first!.text, content: structuredContent }
    },
  }
}
