import { isDeepStrictEqual } from 'node:util'
import type { CallToolResult } from '@modelcontextprotocol/server'
import { z } from 'zod'
import { asCausewayError, CausewayError } from '../core/index.ts'
import { answer, failure, pieceAnswer, previewAnswer, wrongArguments } from './answers.ts'
import { apiPath, type Hub } from './hub.ts'
import { LongAnswers } from './long-answers.ts'
import { PreviewTokens, TOKEN_MS } from './preview-tokens.ts'
import { READ_TOOLS } from './read-tools.ts'
import type { Preview, Tool, WriteTool } from './tool.ts'
import { WRITE_TOOLS } from './write-tools.ts'

export type SessionOptions = {
  hub: Hub
  /** Without it there are no tools that change anything. */
  allowWrite: boolean
  /** Checks the files of the hub folder, where there is one. */
  validateFiles?: (() => Promise<string>) | undefined
  /** Told of defects, which the model does not see. */
  onDefect(error: Error): void
}

/** What a client is told of a tool, and how it is called. */
export type OfferedTool = {
  name: string
  title: string
  description: string
  input: z.ZodObject
  annotations: { readOnlyHint: boolean; destructiveHint: boolean; idempotentHint: boolean; openWorldHint: boolean }
  call(given: unknown): Promise<CallToolResult>
}

const previewToken = z
  .string()
  .max(100)
  .optional()
  .describe('Of the preview. Without it nothing is done: you get a preview.')

/** The tools of one session with one assistant: previews and long answers live as long as it does. */
export function offeredTools(options: SessionOptions): OfferedTool[] {
  const long = new LongAnswers()
  const tokens = new PreviewTokens()
  const readers = [...READ_TOOLS, ...(options.validateFiles ? [validator(options.validateFiles)] : [])].map((tool) =>
    offer(tool, z.strictObject(tool.fields), options, async (given) =>
      answer(await tool.read(options.hub, given), long),
    ),
  )
  const writers = options.allowWrite
    ? WRITE_TOOLS.map((tool) =>
        offer(tool, z.strictObject({ ...tool.fields, previewToken }), options, ({ previewToken: token, ...given }) =>
          write(tool, given, token as string | undefined, { hub: options.hub, tokens, long }),
        ),
      )
    : []
  return [
    ...readers,
    offer(READ_MORE, z.strictObject(READ_MORE.fields), options, async ({ cursor }) =>
      pieceAnswer(long.next(cursor as string)),
    ),
    ...writers,
  ]
}

const READ_MORE = {
  kind: 'read',
  name: 'read_more',
  title: 'The rest of a long answer',
  description: 'The next piece of an answer that was too long for one message.',
  fields: { cursor: z.string().max(100).describe('As `next` of the piece before.') },
} as const

const validator = (validate: () => Promise<string>) => ({
  kind: 'read' as const,
  name: 'validate_files',
  title: 'Check the files of the hub folder',
  description:
    'Checks the hub file, connectors and mappings in the hub folder as they are on disk: findings with file, line, column and fix.',
  fields: {},
  read: validate,
})

type Described = Pick<Tool, 'kind' | 'name' | 'title' | 'description' | 'reachesSystems'> &
  Partial<Pick<WriteTool, 'destructive' | 'idempotent'>>

/** Checks the arguments, calls, and turns whatever goes wrong into an answer with a code. */
function offer<S extends z.ZodObject>(
  tool: Described,
  input: S,
  { onDefect }: SessionOptions,
  call: (given: z.infer<S>) => Promise<CallToolResult>,
): OfferedTool {
  const { name, title, description, kind, destructive = false, idempotent = true, reachesSystems = false } = tool
  return {
    name,
    title,
    description,
    input,
    annotations: {
      readOnlyHint: kind === 'read',
      destructiveHint: destructive,
      idempotentHint: idempotent,
      openWorldHint: reachesSystems,
    },
    async call(given) {
      try {
        const read = input.safeParse(given)
        if (!read.success) throw wrongArguments(read.error.issues)
        return await call(read.data)
      } catch (thrown) {
        const error = asCausewayError(thrown)
        if (error.code === 'CSW-1001') onDefect(thrown instanceof Error ? thrown : error)
        return failure(error)
      }
    },
  }
}

/** A preview without a token; with one, exactly what it showed, if nothing moved since. */
async function write(
  tool: WriteTool,
  given: Record<string, unknown>,
  token: string | undefined,
  { hub, tokens, long }: { hub: Hub; tokens: PreviewTokens; long: LongAnswers },
): Promise<CallToolResult> {
  // Before anything is awaited, so that two calls with one token cannot both have it.
  const shown = token === undefined ? undefined : tokens.take(token, tool.name, given)
  await demandScope(hub, tool.scope)
  if (!shown) {
    const preview = await tool.preview(hub, given)
    const fresh = tokens.give(tool.name, given, preview)
    return previewAnswer({ ...preview, token: fresh, seconds: TOKEN_MS / 1_000 }, long)
  }
  if (shown.basis !== undefined) refuseMoved(shown, await tool.preview(hub, given))
  return answer(await shown.act(hub, reasonOf(given)), long)
}

function refuseMoved(shown: Preview, now: Preview): void {
  // As JSON, because numbers that keep their spelling are objects of their own.
  const [before, after] = [shown.basis, now.basis].map((basis) => JSON.stringify(basis))
  if (!isDeepStrictEqual(before, after))
    throw new CausewayError('CSW-8007', { what: 'Nothing was done: things are not as the preview showed them.' })
}

async function demandScope(hub: Hub, scope: string): Promise<void> {
  const { name, scopes } = JSON.parse(await hub.call('GET', apiPath(['me']))) as { name: string; scopes: string[] }
  if (!scopes.includes(scope))
    throw new CausewayError('CSW-8011', { what: `The token of ${name} lacks the scope ${scope}.` })
}

/** The audit says that it was no person's own hand. */
const reasonOf = ({ reason }: Record<string, unknown>): string =>
  `by an assistant${typeof reason === 'string' ? `: ${reason}` : ''}`.slice(0, 1_000)
