/** The language server of mapping files (Language Server Protocol 3.17), over stdin and stdout. */
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import {
  type CodeLens,
  CompletionItemKind,
  createConnection,
  type Diagnostic,
  DiagnosticSeverity,
  ErrorCodes,
  type InitializeResult,
  MessageType,
  ProposedFeatures,
  ResponseError,
  TextDocumentSyncKind,
  TextDocuments,
} from 'vscode-languageserver/node.js'
import { TextDocument } from 'vscode-languageserver-textdocument'
import { asCausewayError, type Finding } from '../core/index.ts'
import {
  checkSync,
  readMapping,
  runSuite,
  type SandboxedRunner,
  type SyncDefinition,
  tablesBeside,
} from '../mapping/index.ts'
import { complete, hover, type MappingSystems, type Suggestion } from './assist.ts'
import { type NameRange, nameAt, renamed } from './rename.ts'

/** What the editor needs of the hub folder. */
export type EditorProject = {
  /** The streams a mapping joins; read again when files of the hub change. */
  systemsOf(sync: Pick<SyncDefinition, 'from' | 'to' | 'joins'>): Promise<MappingSystems>
  /** The syncs of the hub as they stand on the disk: a reference gets its id from one of them. */
  syncs(): Promise<readonly SyncDefinition[]>
  /** Forgets what was read, because a file changed. */
  changed(): void
  runner: SandboxedRunner
}

const RUN_TEST = 'causeway.runTest'
const KINDS = {
  field: CompletionItemKind.Field,
  function: CompletionItemKind.Function,
  variable: CompletionItemKind.Variable,
  name: CompletionItemKind.Reference,
}
/** Diagnostics follow typing after this pause. */
const SETTLE_MS = 120

/** Serves until the client says good-bye. Everything but the protocol goes to stderr, or it would break it. */
export function serveEditor(project: EditorProject): void {
  const connection = createConnection(ProposedFeatures.all, process.stdin, process.stdout)
  const documents = new TextDocuments(TextDocument)
  const timers = new Map<string, NodeJS.Timeout>()

  connection.onInitialize(
    (): InitializeResult => ({
      capabilities: {
        textDocumentSync: TextDocumentSyncKind.Incremental,
        completionProvider: { triggerCharacters: ['.', '$', '"', "'"] },
        hoverProvider: true,
        renameProvider: { prepareProvider: true },
        codeLensProvider: {},
        executeCommandProvider: { commands: [RUN_TEST] },
      },
      serverInfo: { name: 'causeway' },
    }),
  )

  documents.onDidChangeContent(({ document }) => {
    clearTimeout(timers.get(document.uri))
    timers.set(
      document.uri,
      setTimeout(() => void publish(document), SETTLE_MS),
    )
  })
  documents.onDidSave(() => project.changed())
  documents.onDidClose(({ document }) => {
    clearTimeout(timers.get(document.uri))
    void connection.sendDiagnostics({ uri: document.uri, diagnostics: [] })
  })

  async function publish(document: TextDocument): Promise<void> {
    const diagnostics = await diagnosticsOf(document, project)
    await connection.sendDiagnostics({ uri: document.uri, version: document.version, diagnostics })
  }

  connection.onCompletion(async ({ textDocument, position }) => {
    const document = documents.get(textDocument.uri)
    if (!document || !isMapping(document.uri)) return []
    const text = document.getText()
    const systems = { ...(await systemsOf(text, project)), linked: linkedStreams(await project.syncs()) }
    return complete(text, position.line, position.character, systems).map(toItem)
  })

  connection.onHover(async ({ textDocument, position }) => {
    const document = documents.get(textDocument.uri)
    if (!document || !isMapping(document.uri)) return null
    const text = document.getText()
    const value = hover(text, position.line, position.character, await systemsOf(text, project))
    return value === null ? null : { contents: { kind: 'markdown', value } }
  })

  connection.onPrepareRename(({ textDocument, position }) => {
    const document = documents.get(textDocument.uri)
    if (!document || !isMapping(document.uri)) return null
    const found = nameAt(sourceOf(document), position)
    return found && { range: found.range, placeholder: found.name }
  })

  connection.onRenameRequest(({ textDocument, position, newName }) => {
    const document = documents.get(textDocument.uri)
    if (!document || !isMapping(document.uri)) return null
    const found = renamed(sourceOf(document), position, newName)
    if (typeof found === 'string') return new ResponseError(ErrorCodes.InvalidParams, found)
    if (found === null) return null
    const edits = (ranges: NameRange[]) => ranges.map((range) => ({ range, newText: newName }))
    const beside = found.beside.length ? { [besideOf(document.uri)]: edits(found.beside) } : {}
    return { changes: { [document.uri]: edits(found.own), ...beside } }
  })

  /** The tests beside a mapping as they are being written, else as they stand on the disk. */
  function sourceOf(document: TextDocument): Parameters<typeof nameAt>[0] {
    const [uri, own] = [besideOf(document.uri), { text: document.getText(), file: fileOf(document.uri) }]
    const beside =
      documents.get(uri)?.getText() ?? (existsSync(fileOf(uri)) ? readFileSync(fileOf(uri), 'utf8') : undefined)
    return beside === undefined ? own : { ...own, beside }
  }

  connection.onCodeLens(({ textDocument }): CodeLens[] => {
    const document = documents.get(textDocument.uri)
    return document && isMapping(document.uri) ? testLenses(document) : []
  })

  connection.onExecuteCommand(async ({ command, arguments: given }) => {
    const document = documents.get(String(given?.[0] ?? ''))
    if (command !== RUN_TEST || !document) return null
    const outcome = await runTest(document, String(given?.[1] ?? ''), project)
    const type = outcome.ok ? MessageType.Info : MessageType.Error
    await connection.sendNotification('window/showMessage', { type, message: outcome.message })
    return outcome
  })

  connection.onExit(() => void project.runner.close())
  documents.listen(connection)
  connection.listen()
}

const isMapping = (uri: string): boolean => /\/mappings\/.*\.ya?ml$/.test(uri) && !/\.(test|table)\.ya?ml$/.test(uri)
const besideOf = (uri: string): string => uri.replace(/\.ya?ml$/, '.test.yaml')
const fileOf = (uri: string): string => (uri.startsWith('file:') ? fileURLToPath(uri) : uri)

/** What `validate` would say of the text as it stands in the editor. */
async function diagnosticsOf(document: TextDocument, project: EditorProject): Promise<Diagnostic[]> {
  if (!isMapping(document.uri)) return []
  const text = document.getText()
  const { mapping, findings } = readMapping(text, fileOf(document.uri), tablesBeside(fileOf(document.uri)))
  if (!mapping) return findings.map((finding) => toDiagnostic(finding, document))
  const own = [mapping, mapping.back].flatMap((one) => one?.definition ?? [])
  // With this one as it is being written, by its file: its name may be what changes.
  const others = (await project.syncs()).filter(({ file }) => file !== mapping.definition.file)
  const against: Finding[] = []
  for (const definition of own) {
    const { from, to, joins } = await project.systemsOf(definition)
    if (from && to) against.push(...checkSync(definition, { from, to, joins, syncs: [...others, ...own] }))
  }
  return [...findings, ...against].map((finding) => toDiagnostic(finding, document))
}

function toDiagnostic({ severity, code, message, fix, place }: Finding, document: TextDocument): Diagnostic {
  const line = Math.max(0, (place.line ?? 1) - 1)
  const start = { line, character: Math.max(0, (place.column ?? 1) - 1) }
  const rest = document.getText({ start, end: { line: line + 1, character: 0 } })
  const length = /^(\$?[\w-]+|.)/.exec(rest)?.[0].length ?? 1
  return {
    range: { start, end: { line, character: start.character + length } },
    severity: severity === 'error' ? DiagnosticSeverity.Error : DiagnosticSeverity.Warning,
    code,
    source: 'causeway',
    message: `${message}\n${fix}`.trim(),
  }
}

/** The streams named in the head of a file, also while its body is being written. */
async function systemsOf(text: string, project: EditorProject): Promise<MappingSystems> {
  const address = (value: string | undefined) => {
    const [connection, stream] = (value ?? '').split(':')
    return connection && stream ? { connection, stream } : undefined
  }
  const head = (key: string): string | undefined =>
    new RegExp(`^${key}:\\s*["']?([\\w-]+:[^\\s"'#]+)`, 'm').exec(text)?.[1]
  const from = address(head('from'))
  const to = address(head('to'))
  if (!from || !to) return { joins: {} }
  const joins = [...text.matchAll(/^ {2}(\w+):\s*\{[^}\n]*from:\s*["']?([\w-]+:[^\s,"'}]+)/gm)].flatMap(
    ([, name, at]) => {
      const joined = address(at)
      return joined ? [{ name: name!, from: joined, field: null, take: 'one' as const }] : []
    },
  )
  return project.systemsOf({ from, to, joins })
}

/** Streams that some sync brings from one to the other: those a reference can name. */
const linkedStreams = (syncs: readonly SyncDefinition[]): string[] => [
  ...new Set(syncs.flatMap(({ from, to }) => [from, to].map(({ connection, stream }) => `${connection}:${stream}`))),
]

const toItem = ({ label, kind, detail, documentation }: Suggestion) => ({
  label,
  kind: KINDS[kind],
  detail,
  // Without this a `$` that is already there would be doubled.
  ...(label.startsWith('$') ? { filterText: label, insertText: label.slice(1) } : {}),
  ...(documentation ? { documentation } : {}),
})

function testLenses(document: TextDocument): CodeLens[] {
  const { mapping } = readMapping(document.getText(), fileOf(document.uri), tablesBeside(fileOf(document.uri)))
  return (mapping?.content.tests ?? []).map((test, i) => {
    const place = mapping!.yaml.placeOf(['tests', i])
    const start = { line: (place.line ?? 1) - 1, character: 0 }
    return {
      range: { start, end: start },
      command: { title: 'run this test', command: RUN_TEST, arguments: [document.uri, test.name] },
    }
  })
}

type TestOutcome = { ok: boolean; message: string }

async function runTest(document: TextDocument, name: string, project: EditorProject): Promise<TestOutcome> {
  try {
    const { mapping, findings } = readMapping(
      document.getText(),
      fileOf(document.uri),
      tablesBeside(fileOf(document.uri)),
    )
    if (!mapping) return { ok: false, message: findings[0]?.message ?? 'the file cannot be read' }
    const way = mapping.content.tests?.find((test) => test.name === name)?.back ? mapping.back! : mapping
    const { results } = await runSuite(way.definition, { runner: project.runner })
    // Rows of a table carry names of their own.
    const own = results.filter((result) => result.name === name || result.name.startsWith(`${name} [`))
    const failed = (own.length ? own : results).filter((result) => !result.ok)
    const [first] = failed
    if (!first) return { ok: true, message: `${name}: passed` }
    return { ok: false, message: `${first.name}: ${first.difference ?? first.error?.what ?? 'failed'}` }
  } catch (thrown) {
    return { ok: false, message: asCausewayError(thrown).message }
  }
}
